"""Tries the rules on what forces the last pass, as long as one of them saves something."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from accelsim.cascade.model import Equation
from accelsim.cascade.passes import carries, on_axis
from accelsim.cascade.rewrite.chain import Chain, RefusedError, chain_of
from accelsim.cascade.rewrite.defer import defer
from accelsim.cascade.rewrite.moments import moments
from accelsim.cascade.rewrite.monotone import monotone
from accelsim.cascade.rewrite.naming import named
from accelsim.cascade.rewrite.online import online
from accelsim.cascade.rewrite.program import Program
from accelsim.cascade.rewrite.tidy import inlined, merged, plainly_named, settled, swept

MAX_STEPS = 200
RULES: dict[str, Callable[[Program, Chain], Program]] = {
    "defer": defer,
    "monotone": monotone,
    "online": online,
    "moments": moments,
}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    program: Program
    exhausted: Program
    """What is left when every rule was applied, whether that saves a pass or not."""
    refused: dict[str, str]
    """Why no rule applies, by the Einsum (as written) that stays in a late pass."""


def fewest(program: Program, rules: tuple[str, ...] = tuple(RULES)) -> Outcome:
    """Return the program with the fewest passes over its rank, by no more rewrites than it takes."""
    best = _exhausted(program, frozenset(), rules)
    if best.program.passes >= program.passes:
        return replace(best, program=program)
    skipped: frozenset[str] = frozenset()
    for einsum in dict.fromkeys(a.einsum for a in best.program.applied):
        fewer = _exhausted(program, skipped | {einsum}, rules)
        if _cost(fewer.program) <= _cost(best.program):
            skipped |= {einsum}
            best = replace(best, program=fewer.program)
    return replace(best, program=plainly_named(settled(inlined(best.program))))


def _exhausted(program: Program, skipped: frozenset[str], rules: tuple[str, ...]) -> Outcome:
    """Apply rules to the reductions in late passes until none applies."""
    program = named(program)
    refused: dict[str, str] = {}
    for _ in range(MAX_STEPS):
        refused = {}
        changed = _step(program, skipped, rules, refused)
        if changed is None:
            break
        program = swept(merged(changed))
    return Outcome(program=program, exhausted=program, refused=refused)


def _step(
    program: Program, skipped: frozenset[str], rules: tuple[str, ...], refused: dict[str, str]
) -> Program | None:
    """Apply one rule once: all deferring before anything is made to run."""
    chains: list[Chain] = []
    reasons: dict[str, dict[str, None]] = {}
    for level, target in _late(program):
        origin = program.origin(target.tensor)
        if origin in skipped:
            continue
        reasons.setdefault(origin, {})
        try:
            chains.append(chain_of(program, target, level))
        except RefusedError as error:
            reasons[origin][str(error)] = None
    for rule in rules:
        for chain in chains:
            try:
                found = RULES[rule](program, chain)
            except RefusedError as error:
                if str(error):
                    reasons[program.origin(chain.target.tensor)][str(error)] = None
                continue
            if found.levels is not None:
                return found
    refused.update({origin: "; ".join(found) for origin, found in reasons.items()})
    return None


def _late(program: Program) -> list[tuple[int, Equation]]:
    """Return the reductions over the rank that need more than its first pass, the latest first."""
    found: list[tuple[int, Equation]] = []
    for equation in program.equations:
        if equation.reduce is None or program.rank[0] not in equation.reduce.coords:
            continue
        first = max((program.needs_pass(read) for read in equation.reads), default=0)
        if first > 1 and not equation.is_init:
            found.append((first, equation))
    return sorted(found, key=lambda item: -item[0])


def _cost(program: Program) -> tuple[int, int]:
    """Return the passes, and how many results must stay live from one pass to a later one."""
    kept: set[str] = set()
    assert program.levels is not None
    for equation in program.equations:
        first = max((program.needs_pass(read) for read in equation.reads), default=0)
        for read in equation.reads:
            ready = max(
                (program.levels[i].level for i in program.writers.get(read.tensor, ())),
                default=first,
            )
            if (
                ready < first
                and program.keeps_rank(read.tensor)
                and carries(on_axis(read), program.rank)
            ):
                kept.add(read.tensor)
    return program.passes, len(kept)
