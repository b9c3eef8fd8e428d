"""Loops that an Einsum takes at once: one task for all their iterations, as exponentials are interleaved."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from accelsim.cascade import Cascade
from accelsim.errors import AccelsimError, DeadlockError
from accelsim.mapping import Mapping, Problem
from accelsim.sim import jump, reference
from accelsim.sim.activity import Activity
from accelsim.sim.lower import Lowered, lower
from accelsim.sim.measure import measure
from accelsim.sim.program import Outcome
from accelsim.specs import read_text
from tests.mapping.texts import machine

GRID = "unit: PE2D, space: {rows: m0, cols: p0}"
MAPPING = """\
cascade: {cascade}
partition: {{P: [P2, P1, PG, P0]}}
sizes: {{P0: PE2D.cols, M0: 16, P1: {p1}, PG: {pg}}}
hold:
  GLB: {{Q: p2, K: m1, V: m1, RM: {rm}, RD: p2, RNV: p2}}
depth: {{Q: 2, K: 2, V: 2}}
share: [[RNV, AV]]
blocks:
  - loops: {loops}
    bind:
      - {{einsum: QK, {grid}, time: [e]}}
      - {{einsum: LM, {grid}}}
      - {{einsum: SLN, {grid}, time: {sln}, stage: {k}{more}}}
      - {{einsum: SLD, {grid}, stage: {k_later}}}
      - {{einsum: SLNV, {grid}, time: [f], stage: {k_later}}}
      - {{einsum: RM, unit: PE1D, space: {{lanes: p0}}}}
      - {{einsum: PRM, unit: PE1D, space: {{lanes: p0}}, time: {prm}}}
      - {{einsum: SPD, unit: PE1D, space: {{lanes: p0}}, stage: {s_later}}}
      - {{einsum: SPNV, unit: PE1D, space: {{lanes: p0}}, time: [f], stage: {s_later}{spnv}}}
      - {{einsum: RD, unit: PE1D, space: {{lanes: p0}}, stage: {r_later}}}
      - {{einsum: RNV, unit: PE1D, space: {{lanes: p0}}, time: [f], stage: {r_later}}}
      - {{einsum: AV, unit: PE1D, space: {{lanes: p0}}, time: [f], stage: {r_later}}}
"""
RANKS = {"P": 192, "M": 64, "E": 8, "F": 8}
TOGETHER = "[pg]"


def lowered(ranks: dict[str, int] = RANKS, **changes: Any) -> Lowered:
    """Return the program of a small machine; by default the exponentials of two query tiles are one task."""
    given: dict[str, Any] = {
        "cascade": "attention_1pass",
        "grid": GRID,
        "p1": 3,
        "pg": 2,
        "rm": "p2",
        "loops": "[b, p2, m1, p1, pg]",
        "sln": TOGETHER,
        "prm": TOGETHER,
        "k": 1,
        "k_later": "{p1: 1, pg: 1}",
        "s_later": "{p1: 1}",
        "r_later": "{p1: 1, pg: 1}",
        "more": "",
        "spnv": "",
    } | changes
    mapping = Mapping.from_document(read_text(MAPPING.format(**given), "map.yaml"))
    cascade = Cascade.load(given["cascade"])
    problem = Problem(cascade=cascade, arch=machine(), ranks=ranks, leading={"b": 2})
    return lower(mapping.plan(problem))


APART: dict[str, Any] = {"sln": "[]", "prm": "[]"}


def same(program: Lowered) -> Outcome:
    found = jump.run(program.program)
    assert found == reference.run(program.program)
    return found


def measured(program: Lowered) -> Activity:
    return measure(program, jump.run(program.program), "made up", "map.yaml")


def test_it_is_one_task_of_all_iterations_in_the_last() -> None:
    program = lowered()
    (phase,) = program.program.phases
    tasks = {task.name: task for task in phase.tasks}
    pg = [loop.name for loop in phase.loops].index("pg")
    for name in ("SLN", "PRM"):
        assert tasks[name].guard.last == (pg,)
        assert set(tasks[name].durations) == {2 * 7}
    (wait,) = [w for w in tasks["SLD"].waits if phase.tasks[w.producer].name == "SLN"]
    assert wait.strides[pg] == 0  # both of a pair wait for the same task
    assert wait.offset == 1
    found = same(program)
    names = [task.name for task in phase.tasks]
    counts = dict(zip(names, (sum(n) for n in found.phases[0].instances), strict=True))
    assert counts["SLN"] == counts["PRM"] == counts["SLD"] // 2


@pytest.mark.parametrize("p", [192, 190, 177, 97 - 1])
def test_work_rows_and_bytes_are_those_of_single_tiles(p: int) -> None:
    """Only the order differs: operations, accesses, transfers, and at whole tiles busy lanes as well."""
    one, other = (measured(lowered(RANKS | {"P": p}, **by)) for by in ({}, APART))
    assert one.ops == other.ops
    assert one.transfers == other.transfers
    assert one.actions == other.actions
    assert [u.lane_ticks for u in one.units] == [u.lane_ticks for u in other.units]
    assert [u.busy_ticks for u in one.units] == [u.busy_ticks for u in other.units]
    charged = [[b.charged_bytes for b in each.buffers] for each in (one, other)]
    assert charged[0] == charged[1]


def test_the_state_that_it_reads_is_held_until_then() -> None:
    """What SLN gives back at once is what RM has taken tile by tile: a strip of 6 tiles of 16 words."""
    (apart,) = measured(lowered(**APART)).buffers
    for k in (0, 1, 4):
        (glb,) = measured(lowered(k=k, k_later=f"{{p1: 1, pg: {k}}}")).buffers
        assert glb.by_tensor == apart.by_tensor
        assert glb.by_tensor["RM"] == 6 * 16 * 2
        assert glb.charged_bytes == apart.charged_bytes


def test_both_kernels_agree_on_sampled_mappings() -> None:
    """Pairs, triples, all of a strip, either loop order, later or sooner, also where it deadlocks."""
    r, outcomes = Random(7), set()
    for _ in range(25):
        inner = r.choice(["p1", "m1"])
        k, s, rr = r.choice([0, 1, 2, 5]), r.choice([0, 1]), r.choice([0, 1, 2])
        program = lowered(
            RANKS | {"P": r.choice([96, 192, 192 * 3]), "M": r.choice([16, 48, 128])},
            **r.choice([{"p1": 3, "pg": 2}, {"p1": 1, "pg": 6}, {"p1": 2, "pg": 3}]),
            loops=f"[b, p2, {'m1, p1' if inner == 'p1' else 'p1, m1'}, pg]",
            k=k,
            k_later=f"{{{inner}: 1, pg: {k}}}",
            s_later=f"{{{inner}: 1, pg: {s}}}",
            r_later=f"{{{inner}: 1, pg: {rr}}}",
            prm=r.choice(["[]", TOGETHER]),
        )
        try:
            wanted = reference.run(program.program)
        except DeadlockError as hung:
            with pytest.raises(DeadlockError):
                jump.run(program.program)
            outcomes.add(str(hung)[:5])
            continue
        assert jump.run(program.program) == wanted
        outcomes.add("runs")
    assert outcomes == {"runs", "phase"}


def test_a_reader_without_delay_waits_for_a_task_that_comes_after_it() -> None:
    with pytest.raises(
        DeadlockError, match=r"SLD\[b=0,p2=0,m1=0,p1=0,pg=0\] on PE2D waits for SLN"
    ):
        jump.run(lowered(k_later=1).program)


def test_cycles_of_a_whole_task() -> None:
    """A number or an expression over the sizes, where operations wait for one another."""
    more = ', cycles: "6 * 3 + PG", source: a MAC of three stages'
    (phase,) = lowered(more=more).program.phases
    assert set(next(t for t in phase.tasks if t.name == "SLN").durations) == {20}


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a loop outside another": (
        {"loops": "[b, p2, p1, pg, m1]"},
        "map.yaml:13:70: SLN: loop pg, taken at once, must be inside loop m1",
    ),
    "held too far inside": (
        {"rm": "pg"},
        "SLN: RM must be held by a loop outside pg, which is taken at once; it is held by pg",
    ),
    "tile by tile": (
        {"rm": "stream"},
        "SLN: RM must be held by a loop outside pg, which is taken at once; it is held by stream",
    ),
    "under a mask": (
        {"cascade": "attention_1pass_causal"},
        "SLN: loop pg, taken at once, must be one that no mask of",
    ),
    "after a part of a task": (
        {"spnv": ", after: {SLN: 1}"},
        "SPNV: after SLN must be a multiple of the 2 tiles that it takes at once, not 1",
    ),
    "cycles and slots": (
        {"more": ", cycles: 3, slots: 3, source: x"},
        "a bind must override slots or cycles, not both",
    ),
    "cycles without a source": (
        {"more": ", cycles: 3"},
        "a bind that overrides latency, slots, cycles or lags must have a source",
    ),
    "no cycles": (
        {"more": ", cycles: PG - 2, source: x"},
        "cycles must be at least 1, not 0",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_wait_together_is_refused_with_a_sentence(name: str) -> None:
    changes, sentence = REFUSED[name]
    with pytest.raises(AccelsimError) as error:
        lowered(**changes)
    assert sentence in str(error.value)
