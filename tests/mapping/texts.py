"""A small machine and a mapping as text, to be broken in one place at a time."""

from __future__ import annotations

from accelsim.arch import Architecture
from accelsim.cascade import Cascade
from accelsim.mapping import Mapping, Plan, Problem
from accelsim.sim import jump
from accelsim.sim.lower import lower
from accelsim.sim.program import Outcome
from accelsim.specs import read_text

MACHINE = """\
name: small
source: made up
clock: 1 GHz
word: 2 B
components:
  DRAM: {kind: dram, bandwidth: 64 GB/s}
  GLB: {kind: buffer, size: 1 MiB, row: 32 B}
  PE2D: {kind: array, rows: 16, cols: 16, registers: 12, ops: {mac: 1, max: 1, add: 1, exp: 6}}
  PE1D: {kind: array, lanes: 16, registers: 32, ops: {mac: 1, max: 1, add: 1, exp: 6, div: 1}}
links:
  - DRAM - GLB
  - GLB - PE2D
  - PE2D - PE1D: {down: rows, up: 0}
costs: none
"""

MAPPING = """\
cascade: attention_1pass
partition: {P: [P2, P1, P0]}
sizes: {P0: PE2D.cols, M0: 16, P1: 4}
hold:
  GLB: {Q: p2, K: m1, V: m1, RM: p2, RD: p2, RNV: p2}
depth: {Q: 2, K: 2, V: 2}
share: [[RNV, AV]]
blocks:
  - loops: [b, p2, m1, p1]
    bind:
      - {einsum: QK, unit: PE2D, space: {rows: m0, cols: p0}, time: [e]}
      - {einsum: LM, unit: PE2D, space: {rows: m0, cols: p0}}
      - {einsum: SLN, unit: PE2D, space: {rows: m0, cols: p0}, stage: 1}
      - {einsum: SLD, unit: PE2D, space: {rows: m0, cols: p0}, stage: 1}
      - {einsum: SLNV, unit: PE2D, space: {rows: m0, cols: p0}, time: [f], stage: 1}
      - {einsum: RM, unit: PE1D, space: {lanes: p0}}
      - {einsum: PRM, unit: PE1D, space: {lanes: p0}}
      - {einsum: SPD, unit: PE1D, space: {lanes: p0}}
      - {einsum: SPNV, unit: PE1D, space: {lanes: p0}, time: [f]}
      - {einsum: RD, unit: PE1D, space: {lanes: p0}, stage: 1}
      - {einsum: RNV, unit: PE1D, space: {lanes: p0}, time: [f], stage: 1}
      - {einsum: AV, unit: PE1D, space: {lanes: p0}, time: [f], stage: 1}
"""

RANKS = {"P": 128, "M": 64, "E": 8, "F": 8}
Change = tuple[str, str]


def changed(text: str, changes: tuple[Change, ...]) -> str:
    """Replace the first of each old text by the new; the old text must be there."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def machine(*changes: Change) -> Architecture:
    return Architecture.from_document(read_text(changed(MACHINE, changes), "arch.yaml"))


def plan(
    *changes: Change,
    arch_changes: tuple[Change, ...] = (),
    ranks: dict[str, int] | None = None,
) -> Plan:
    mapping = Mapping.from_document(read_text(changed(MAPPING, changes), "map.yaml"))
    problem = Problem(
        cascade=Cascade.load("attention_1pass"),
        arch=machine(*arch_changes),
        ranks=RANKS if ranks is None else ranks,
        leading={"b": 2},
    )
    return mapping.plan(problem)


def run(
    *changes: Change,
    arch_changes: tuple[Change, ...] = (),
    ranks: dict[str, int] | None = None,
) -> Outcome:
    return jump.run(lower(plan(*changes, arch_changes=arch_changes, ranks=ranks)).program)


def plan_problem() -> Problem:
    """The problem that ``plan`` solves, unchanged."""
    cascade = Cascade.load("attention_1pass")
    return Problem(cascade=cascade, arch=machine(), ranks=RANKS, leading={"b": 2})
