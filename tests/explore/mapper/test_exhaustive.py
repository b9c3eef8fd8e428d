"""On small spaces the search finds what brute force finds: every mapping, run by the reference kernel."""

import random
from itertools import permutations, product

import pytest

from accelsim.arch import Architecture, Lacking
from accelsim.cascade import Cascade
from accelsim.errors import InfeasibleError
from accelsim.explore.mapper import find_mapping
from accelsim.explore.mapper.exhaustive import STAGES
from accelsim.mapping import Problem
from accelsim.mapping.auto import STYLES, Case, Draft, Schedule
from accelsim.mapping.binding import unit_ops
from accelsim.sim import reference
from accelsim.sim.lower import lower
from accelsim.specs import read_text

PAIRS = 200
SEEDED = 3  # of them in every run

MACHINE = """\
name: tiny
source: made up
clock: 1 GHz
word: 2 B
components:
  DRAM: {{kind: dram, bandwidth: {bandwidth} GB/s, latency: {latency} ns}}
  GLB: {{kind: buffer, size: 64 KiB, row: 8 B{ports}}}
  PE2D: {{kind: array, rows: {rows}, cols: {cols}, registers: 8, ops: {{mac: 1, max: 1, add: 1{exp}}}}}
  PE1D: {{kind: array, lanes: {lanes}, registers: 8, ops: {{mac: 1, max: 1, add: 1, exp: 1}}}}
links: [DRAM - GLB, GLB - PE2D, GLB - PE1D, {{PE2D - PE1D: {{down: {down}, up: {up}, chain: {chain}}}}}]
costs: none
"""


def machine(draw):
    text = MACHINE.format(
        bandwidth=draw.choice([2, 8, 64]),
        latency=draw.choice([0, 5]),
        ports=draw.choice(["", ", ports: 2"]),
        rows=draw.choice([2, 4]),
        cols=draw.choice([2, 4]),
        lanes=draw.choice([2, 4]),
        exp=draw.choice(["", ", exp: 3"]),
        down=draw.choice([0, 3]),
        up=draw.choice([0, 2]),
        chain=draw.choice(["true", "false"]),
    )
    return Architecture.from_document(read_text(text, "tiny.yaml"))


def cascade(draw):
    first = draw.choice(["+(k)", "max(k)"])
    shape, last = draw.choice(
        [
            ("O[I,J]", "O[i,j] = exp(T[i,j])"),
            ("O[I]", "O[i] = T[i,j] :: +(j)"),
            ("O[J]", "O[j] = T[i,j] :: max(i)"),
            ("O[I,J]", "O[i,j] = T[i,j] + C[i,j]"),
        ]
    )
    third = "; C[I,J]" if "C[" in last else ""
    return Cascade.parse(
        f"in A[I,K]; B[K,J]{third}\nout {shape}\nT[i,j] = A[i,k] * B[k,j] :: {first}\n{last}\n",
        name="tiny",
    )


def pair(seed):
    draw = random.Random(seed)
    known = cascade(draw)
    sizes = {name: draw.choice([2, 3, 4, 6]) for name in known.shape_names}
    return Problem(cascade=known, arch=machine(draw), ranks=sizes)


def brute_force(problem):
    """Return the fewest ticks a cycle over all mappings of the space, enumerated here by itself."""
    able = [
        [
            (e.id, u)
            for u in problem.arch.arrays
            if not isinstance(unit_ops(e, problem.arch, u), Lacking)
        ]
        for e in problem.cascade.equations
    ]
    best, done = None, set()
    for fuse, units in product((True, False), product(*able)):
        style = next(s for s in STYLES if s.fuse == fuse)
        draft = Draft.of(Case.of(problem, type(style)(**{**vars(style), "units": units})))
        turns = [list(permutations(nest.frame.loops)) for nest in draft.nests]
        names = [[item.id for item in nest.items] for nest in draft.nests]
        orders = [list(permutations(ids)) for ids in names]
        stages = [list(product(range(STAGES + 1), repeat=len(ids))) for ids in names]
        for turn, order, stage in product(product(*turns), product(*orders), product(*stages)):
            nests = tuple(
                type(n)(**{**vars(n), "frame": type(n.frame)(**{**vars(n.frame), "loops": loops})})
                for n, loops in zip(draft.nests, turn, strict=True)
            )
            one = Draft(case=draft.case, nests=nests)
            mapping = one.mapping(
                [
                    Schedule(order=o, stage=dict(zip(ids, s, strict=True)))
                    for o, s, ids in zip(order, stage, names, strict=True)
                ]
            )
            if mapping.document.source in done:
                continue
            done.add(mapping.document.source)
            try:
                program = lower(mapping.plan(problem)).program
                cycles = reference.run(program).ticks / program.ticks_per_cycle
            except InfeasibleError:
                continue
            best = cycles if best is None else min(best, cycles)
    return best, len(done)


def check(seed):
    problem = pair(seed)
    best, _ = brute_force(problem)
    found = find_mapping(problem, effort="exhaustive")
    assert found.is_optimal
    assert found.left == 0
    assert float(found.cycles) == best
    assert found.bound.cycles <= found.cycles


@pytest.mark.parametrize("seed", range(SEEDED))
def test_equals_brute_force(seed):
    check(seed)


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(SEEDED, PAIRS))
def test_equals_brute_force_on_many(seed):
    check(seed)
