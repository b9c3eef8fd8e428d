"""The parts of a machine's sequencers, each with what it must show whatever the others do."""

import random
from functools import partial
from itertools import compress

from accelsim.rtl.sequencer import plain
from tests.rtl import queues, walkers
from tests.rtl.bugs import with_bug
from tests.rtl.netlist import STATE
from tests.rtl.prove import PROVEN
from tests.rtl.sequential import same_reachable


def parts_of(sequencer):
    """Return {name in the sequencer: (inputs, outputs, what makes (given, shown) rows of a seed)}."""
    skeleton, found = sequencer.skeleton, {}
    for task, walker in zip(skeleton.tasks, sequencer.walkers, strict=True):
        rows = partial(walkers.lockstep, walker)
        found[f"walk_{plain(task.name)}"] = walkers.INPUTS, walkers.OUTPUTS, rows
    for queue in sequencer.queues:
        rows = partial(queues.queue_lockstep, queue)
        found[f"queue_{plain(queue.shape.name)}"] = *queues.QUEUE, rows
    between = Between(sequencer)
    found[""] = between.inputs, between.outputs, between.rows
    bits = skeleton.count_bits
    for resource, name in enumerate(skeleton.resources):
        sharing = [q for q in skeleton.queues if q.shared and q.resource == resource]
        if sharing:
            always = [
                n
                for n, queue in enumerate(sharing)
                if not any(skeleton.tasks[task].waits for task in queue.tasks)
            ]
            shape = len(sharing), bits, skeleton.age_bits
            rows = partial(queues.arbiter_lockstep, *shape, always=always)
            found[f"arbiter_{plain(name)}"] = *queues.ARBITER, rows
    for task, anchor, lag in sequencer.keys:
        name = f"tokens_{plain(skeleton.tasks[task].name)}_{anchor}_{lag}"
        found[name] = *queues.TOKENS, partial(queues.tokens_lockstep, bits)
    return found


class Between:
    """What stands between the parts: which waits are met, as walkers and counters of tokens have it."""

    def __init__(self, sequencer):
        self.sequencer, skeleton = sequencer, sequencer.skeleton
        self._bits = skeleton.count_bits
        self.walks = [f"walk_{plain(task.name)}" for task in skeleton.tasks]
        self.tokens = [
            f"tokens_{plain(skeleton.tasks[task].name)}_{anchor}_{lag}"
            for task, anchor, lag in sequencer.keys
        ]
        self.queues = [f"queue_{plain(queue.name)}" for queue in skeleton.queues]
        inputs = [f"{name}.{port}" for name in self.walks for port in ("needs", "active")]
        inputs += [f"{name}.{port}" for name in self.tokens for port in ("count", "previous")]
        shared = [name for name, q in zip(self.queues, skeleton.queues, strict=True) if q.shared]
        inputs += [f"{name}.head" for name in shared]
        self.inputs = tuple(inputs)
        self.outputs = (*(f"{name}.met" for name in self.queues), *self._arbiters())

    def _arbiters(self):
        skeleton = self.sequencer.skeleton
        shared = {q.resource for q in skeleton.queues if q.shared}
        return [f"arbiter_{plain(skeleton.resources[n])}.was_ready" for n in sorted(shared)]

    def rows(self, seed, cycles):
        """Return (input rows, rows that must be shown) of any needs, counts and heads."""
        draw, bits, skeleton = random.Random(seed), self._bits, self.sequencer.skeleton
        half = 1 << bits - 1
        given, shown = [], []
        for _ in range(cycles):
            about = draw.choice([0, -1, draw.getrandbits(bits)])
            spread = draw.choice([2, 2, half])

            def number(about=about, spread=spread):
                return (about + draw.randrange(-spread, spread)) % (1 << bits)

            needs = [[number() for _ in task.waits] for task in skeleton.tasks]
            active = [[int(draw.random() < 0.8) for _ in task.waits] for task in skeleton.tasks]
            counts = [(number(), number()) for _ in self.tokens]
            row = []
            for need, on in zip(needs, active, strict=True):
                row += [walkers.packed(need, bits), walkers.packed(on, 1)]
            row += [each for pair in counts for each in pair]
            heads = {}
            for n, queue in enumerate(skeleton.queues):
                if queue.shared:
                    heads[n] = draw.choice([None, *range(len(queue.tasks))])
                    row.append(0 if heads[n] is None else 1 << heads[n])
            given.append(row)

            def met(task, when, needs=needs, active=active, counts=counts):
                return [
                    not active[task][w]
                    or _signed(counts[self._key(wait)][when], bits) > _signed(needs[task][w], bits)
                    for w, wait in enumerate(skeleton.tasks[task].waits)
                ]

            row = [
                walkers.packed([one for task in q.tasks for one in met(task, 0)], 1)
                for q in skeleton.queues
            ]
            was = {}
            for n, head in heads.items():
                q = skeleton.queues[n]
                was.setdefault(q.resource, []).append(head is None or all(met(q.tasks[head], 1)))
            shown.append([*row, *(walkers.packed(was[n], 1) for n in sorted(was))])
        return given, shown

    def _key(self, wait):
        return self.sequencer.keys.index((wait.producer, wait.anchor, wait.lag))


def _signed(value, bits):
    half = 1 << bits - 1
    return (value ^ half) - half


class Part:
    """One of them, cut out of a machine's netlist: its cells, and the nets at its boundary as ports.

    What nothing in the machine reads is not there, and is not asked for.
    """

    def __init__(self, netlist, prefix, name, inputs, outputs):
        whole = "".join(f"{each}." for each in (prefix, name) if each)
        nets = {port: netlist["nets"].get(f"{whole}{port}", []) for port in (*inputs, *outputs)}
        given = {bit for port in inputs for bit in nets[port]}
        cells = {
            each: cell
            for each, cell in netlist["cells"].items()
            if within(each, prefix, name) and given.isdisjoint(_made(cell))
        }
        driven = {bit for cell in cells.values() for bit in _made(cell)} | given | {"0", "1"}
        self._idle = name.partition("_")[0] in ("walk", "tokens", "arbiter")
        self.inputs = [name for name in inputs if nets[name]]
        self.outputs = [name for name in outputs if nets[name]]
        ports = {name: {"direction": "input", "bits": nets[name]} for name in self.inputs}
        for name in self.outputs:
            bits = [bit if bit in driven else "0" for bit in nets[name]]
            ports[name] = {"direction": "output", "bits": bits}
        self.netlist = netlist | {"cells": cells, "ports": ports}
        self._given = [bool(nets[name]) for name in inputs]
        self._shown = [
            sum((bit in driven) << n for n, bit in enumerate(nets[name])) if nets[name] else None
            for name in outputs
        ]

    def same(self, bug, seconds=10):
        """Return whether nothing tells it with a bug from it without, however it is driven from reset on.

        What a walker, a counter of tokens or the arbiter shows before a run is not looked at, but that a
        walker is done: nothing is pending then.
        """
        one, two = (
            _while_running(each, self.outputs) if self._idle else each
            for each in (self.netlist, with_bug(self.netlist, bug))
        )
        return same_reachable(one, two, self.outputs, seconds) == PROVEN

    def rows(self, given, shown):
        """Return rows of all the part's ports as those of what is there."""
        given = [list(compress(row, self._given)) for row in given]
        masks = list(enumerate(self._shown))
        shown = [row and [row[n] & mask for n, mask in masks if mask is not None] for row in shown]
        return given, shown


def _while_running(netlist, outputs):
    """Return the netlist with outputs that are 0 before a run; ``following`` is read as it begins."""
    rst, go = (netlist["ports"][name]["bits"][0] for name in ("rst", "go"))
    begun, goes, then = (("running", name) for name in ("begun", "goes", "then"))
    no_numbers = {"parameters": {}}
    cells = {
        "goes": {"type": "$or", "connections": {"A": [begun], "B": [go], "Y": [goes]}},
        "then": {"type": "$mux", "connections": {"A": [goes], "B": ["0"], "S": [rst], "Y": [then]}},
        "begun": {
            "type": STATE,
            "connections": {"CLK": _clock(netlist), "D": [then], "Q": [begun]},
        },
    }
    ports = dict(netlist["ports"])
    for name in outputs:
        if name != "done":
            bits = ports[name]["bits"]
            shown = [("running", name, n) for n in range(len(bits))]
            pins = {"A": ["0"] * len(bits), "B": bits, "Y": shown}
            pins["S"] = [goes if name == "following" else begun]
            cells[f"running {name}"] = {"type": "$mux", "connections": pins}
            ports[name] = {"direction": "output", "bits": shown}
    cells = {name: cell | no_numbers for name, cell in cells.items()}
    cells["begun"]["parameters"] = {"CLK_POLARITY": 1}
    init = netlist["init"] | {begun: 0}
    return netlist | {"cells": netlist["cells"] | cells, "ports": ports, "init": init}


def _clock(netlist):
    return next(
        cell["connections"]["CLK"] for cell in netlist["cells"].values() if cell["type"] == STATE
    )


def _made(cell):
    """Return the bits that a cell drives."""
    return cell["connections"]["Q" if cell["type"] == STATE else "Y"]


def within(cell, prefix, name):
    """Whether a cell stands in a part, by the names that flattening gives; "": in none of them."""
    plain_name = cell.replace("\\", "").replace("$flatten", "")
    before = f"{prefix}." if prefix else ""
    return plain_name.startswith(f"{before}{name}." if name else f"{before}$")
