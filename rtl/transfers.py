"""The transfers of a machine: requests of operands and stores of results, one tile at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data
from amaranth.utils import ceil_log2

from accelsim.engines.array2d import Tensor
from accelsim.engines.fusemax import FuseMax as Engine
from accelsim.rtl.array2d import fill_layout
from accelsim.rtl.issue import Issue
from accelsim.rtl.operations import GROUPED, KEY_TILES, QUERY_TILES, STRIPS

LOADS = {f"load {tensor.name}": int(tensor) for tensor in Tensor}
STORE = "store AV"


def len_slots(engine: Engine, name: str) -> int:
    """Return the ring in which the tiles of a load are numbered."""
    depth = {
        "load Q": 2 * engine.query_tiles,
        "load K": engine.key_depth,
        "load V": engine.value_depth,
    }.get(name, 1)
    return 1 << int(ceil_log2(depth))


def transfers(m: Module, issue: Issue, load: Any, store: Any, lanes: Sequence[Any]) -> Value:
    """Move all words of a tile, lane by lane; return whether a store ends in this cycle."""
    engine, sequencer, skeleton = issue.engine, issue.sequencer, issue.skeleton
    lane_bits = ceil_log2(max(engine.rows, engine.cols) + 1)
    layout = data.StructLayout(
        {
            "tag": fill_layout(engine),
            "digits": skeleton.digit_bits * len(skeleton.loops),
            "lanes": lane_bits,
            "store": 1,
            "tile": max(1, ceil_log2(engine.query_tiles)),
        }
    )
    live = Signal(layout, name="transfer_live")
    tasks = [n for n, t in enumerate(skeleton.tasks) if t.duration is None]
    begun = Cat(*(sequencer.start[n] for n in tasks)).any()
    for n in tasks:
        name = skeleton.tasks[n].name
        by_rows = name in ("load K", "load V")
        size = engine.rows if by_rows else engine.cols
        ragged = issue.rows_last if by_rows else issue.cols_last
        edge = (
            issue.at_last(n, KEY_TILES)
            if by_rows
            else issue.at_last(n, STRIPS, QUERY_TILES, GROUPED)
        )
        slot = issue.counter(m, n, len_slots(engine, name))
        with m.If(sequencer.start[n]):
            m.d.comb += [
                live.digits.eq(sequencer.walkers[n].digits),
                live.lanes.eq(Mux(edge, ragged, size)),
                live.store.eq(name == STORE),
                live.tile.eq(issue.tile(n)),
                live.tag.tensor.eq(LOADS.get(name, 0)),
                live.tag.slot.eq(slot),
            ]
    now = issue.held(m, live, begun)
    active = Signal()
    lane, group = Signal(lane_bits), Signal(live.tag.group.shape())
    at_lane, at_group = Signal.like(lane, name="at_lane"), Signal.like(group, name="at_group")
    value_groups, head_groups = engine.value // engine.words, engine.head // engine.words
    by_value = now.store | (now.tag.tensor == Tensor.V)
    groups = Mux(by_value, value_groups, head_groups)
    last_group = at_group + 1 == groups
    last = (at_lane + 1 == now.lanes) & last_group
    works = (begun | active) & ~issue.go
    moved = works & Mux(now.store, store.ready, load.ready)
    m.d.comb += [
        at_lane.eq(Mux(begun, 0, lane)),
        at_group.eq(Mux(begun, 0, group)),
        load.valid.eq(works & ~now.store),
        load.payload.tag.eq(now.tag),
        load.payload.tag.lane.eq(at_lane),
        load.payload.tag.group.eq(at_group),
        load.payload.tag.last.eq(last),
        load.payload.digits.eq(now.digits),
        store.valid.eq(works & now.store),
        store.payload.digits.eq(now.digits),
        store.payload.lane.eq(at_lane),
        store.payload.group.eq(at_group),
    ]
    outputs = Signal(data.ArrayLayout(len(store.payload.words), engine.cols))
    for c, each in enumerate(lanes):
        m.d.comb += [
            each.store_tile.eq(now.tile),
            each.group.eq(at_group),
            outputs[c].eq(each.output),
        ]
    m.d.comb += store.payload.words.eq(outputs[at_lane])
    m.d.sync += [
        active.eq(works & ~(moved & last)),
        lane.eq(Mux(moved & last_group, at_lane + 1, at_lane)),
        group.eq(Mux(moved, Mux(last_group, 0, at_group + 1), at_group)),
    ]
    resource = issue.queue(tasks[0]).shape.resource
    m.d.comb += sequencer.freed[resource].eq(moved & last)
    return moved & last & now.store
