"""A cascade before and after: what was rewritten, rank by rank, and why no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from accelsim.cascade.model import Block, Equation, Setting
from accelsim.cascade.passes import Forced, Rank, ranks
from accelsim.cascade.rewrite.chain import RefusedError
from accelsim.cascade.rewrite.driver import RULES, fewest
from accelsim.cascade.rewrite.program import Applied, Program
from accelsim.cascade.rewrite.tidy import recomputed
from accelsim.cascade.rewrite.tile import tiled
from accelsim.cascade.text import block_text
from accelsim.errors import nearest

if TYPE_CHECKING:
    from accelsim.cascade.cascade import Cascade


@dataclass(frozen=True, kw_only=True)
class Rewritten:
    """What became of one rank."""

    rank: str
    before: int
    after: int
    applied: tuple[Applied, ...]
    stays: str
    """Why a pass beyond the first stays, naming the Einsum; empty if none does."""
    now: str = ""
    """The rank's name afterwards: the pair, if it was tiled."""


@dataclass(frozen=True, kw_only=True)
class Rewriting:
    """A cascade and the one of equal values that it was rewritten into."""

    original: Cascade
    cascade: Cascade
    ranks: tuple[Rewritten, ...]

    @property
    def saves(self) -> bool:
        """Whether a pass is saved; if not, ``cascade`` is the original."""
        return any(r.after < r.before for r in self.ranks)


def rewritten(cascade: Cascade, rank: str | None = None, tile: int | None = None) -> Rewriting:
    """Rewrite a cascade into one with fewer passes over a rank, or over each that has several.

    Without ``rank`` those are the ranks whose passes the cascade claims, or else all. With ``tile``
    states move once per tile of so many places (a parameter of the new cascade). Raise SpecError
    for an unknown rank or one that has no number of passes.
    """
    counted = cascade.passes()
    if rank is not None and rank not in counted:
        known = ranks(cascade.block)
        reason = "has no number of passes" if rank in known else f"is unknown{nearest(rank, known)}"
        raise cascade.source_text.error(0, f"rank {rank!r} {reason}")
    block = cascade.block
    found: list[Rewritten] = []
    for name in [rank] if rank is not None else _several(cascade):
        block, outcome = _along(block, name, ranks(block)[name], counted[name], tile)
        found.append(outcome)
    result = Rewriting(original=cascade, cascade=cascade, ranks=tuple(found))
    if result.saves:
        result = replace(result, cascade=_finished(cascade, block, result.ranks))
    return result


def _several(cascade: Cascade) -> list[str]:
    """Return the ranks with more than one pass; the pair of a tiled rank stands for its halves."""
    counted = cascade.passes()
    claimed = cascade.claimed_passes or counted
    halves = {half for pair in cascade.tiles if ".".join(pair) in claimed for half in pair}
    return [name for name in claimed if counted.get(name, 0) > 1 and name not in halves]


def _along(
    block: Block, name: str, rank: Rank, before: int, tile: int | None
) -> tuple[Block, Rewritten]:
    program = Program.of(block, rank, name)
    plain = program
    if tile is not None:
        try:
            program = tiled(program, tile)
        except RefusedError as error:
            row = Rewritten(rank=name, before=before, after=before, applied=(), stays=str(error))
            return block, replace(row, now=name)
    outcome = fewest(program)
    after = outcome.program
    stays = _stays(outcome.exhausted, outcome.refused)
    if after.passes < before:
        worse = _worse(program, after)
        if worse:
            stays = f"fewer passes over {name} would take another over {worse}"
            after = plain
    else:
        after = plain
    applied = (*after.applied, *recomputed(after)) if after is not plain else ()
    row = Rewritten(
        rank=name,
        before=before,
        after=after.passes,
        applied=applied,
        stays=stays,
        now=after.name,
    )
    return _sized(program, after) if after is not plain else block, row


def _worse(before: Program, after: Program) -> str:
    """Return a rank over which there are now more passes, or none that a count covers."""
    for name, rank in ranks(before.block).items():
        if not any(c in after.block.coords for c in rank):
            continue
        first = replace(before, rank=rank)
        second = replace(after, rank=rank)
        if first.levels is not None and (second.levels is None or second.passes > first.passes):
            return name
    return ""


def _stays(program: Program, refused: Mapping[str, str]) -> str:
    """Return in words which Einsum forces the last pass, and why no rule takes it out of there."""
    if program.passes < 2 or program.levels is None:
        return ""
    last = [
        equation
        for equation, status in zip(program.equations, program.levels, strict=True)
        if status.visits and status.level == program.passes
    ]
    refusals = [e for e in last if refused.get(program.origin(e.tensor))]
    direct = [e for e in last if (f := _forced(program, e)) is not None and f.after]
    equation = (refusals or direct or last)[0]
    why = _forced(program, equation)
    assert why is not None
    seen: set[str] = set()
    while not why.after and why.tensor not in seen:  # states need one another
        seen.add(why.tensor)
        source = program.equations[program.writers[why.tensor][-1]]
        why = _forced(program, source) or why
    name, needs = program.origin(equation.tensor), _named_before(program, why.tensor)
    words = (
        f"{name} {_visit(program, equation)} and needs {needs}, which is complete only after pass "
        f"{program.passes - 1}"
    )
    reason = refused.get(name) or refused.get(needs)
    return f"{words} ({reason})" if reason else words


def _forced(program: Program, equation: Equation) -> Forced | None:
    assert program.levels is not None
    at = next(i for i, e in enumerate(program.equations) if e is equation)
    return program.levels[at].forced


def _named_before(program: Program, tensor: str) -> str:
    """Return the tensor of the written cascade that a late expression was made of."""
    assert program.levels is not None
    while tensor in program.made:
        status = program.levels[program.writers[tensor][0]]
        if status.forced is None or status.visits:
            break
        tensor = status.forced.tensor
    return program.origin(tensor)


def _visit(program: Program, equation: Equation) -> str:
    if program.rank[0] in equation.left_coords:
        return f"keeps {program.name}"
    if program.rank[0] in equation.reduce_coords:
        return f"reduces {program.name}"
    return f"gathers along {program.name}"


def _sized(before: Program, after: Program) -> Block:
    """Give a coordinate a 'rank' line if what told its extent is gone."""
    block = after.block
    missing = [c for c in sorted(block.coords) if c in before.extents and c not in after.extents]
    lines = tuple(Setting(kind="rank", name=c, value=before.extents[c]) for c in missing)
    return replace(block, settings=(*block.settings, *lines))


def _finished(cascade: Cascade, block: Block, found: Sequence[Rewritten]) -> Cascade:
    from accelsim.cascade.cascade import Cascade as Parsed

    saved = ", ".join(
        f"{r.after} {'pass' if r.after == 1 else 'passes'} over {r.now} instead of {r.before}"
        for r in found
        if r.after < r.before
    )
    text = block_text(block)
    name = f"{cascade.name}_rewritten"
    parsed = Parsed.parse(text, name)
    claimed = {r: n for r, n in parsed.passes().items() if r in (cascade.claimed_passes or {})}
    return replace(
        parsed,
        summary=f"{cascade.name} with {saved}",
        source=cascade.source,
        claimed_passes={**claimed, **{r.now: r.after for r in found}},
    )


def reached(block: Block, rank: Rank, name: str, rules: Sequence[str] = tuple(RULES)) -> int:
    """Return the fewest passes over a rank that these rules reach."""
    return fewest(Program.of(block, rank, name), tuple(rules)).program.passes
