"""A mapping made for many tokens, with the same tiles for fewer: what buffers hold, and what moves."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from math import prod

from accelsim.cascade import Cascade
from accelsim.cascade.sizes import Sizes
from accelsim.errors import InfeasibleError, SpecError
from accelsim.job import Job
from accelsim.mapping import Mapping, Stage
from accelsim.sim import jump
from accelsim.sim.activity import Activity
from accelsim.sim.lower import Lowered, lower
from accelsim.sim.measure import measure
from accelsim.specs import read_text


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One mapping at two numbers of tokens, and the sizes of the cascade at each."""

    cascade: Cascade
    few: Activity
    many: Activity
    small: Sizes
    large: Sizes
    heads: int

    @property
    def growing(self) -> set[str]:
        """The ranks that are longer with more tokens."""
        return {c for c, n in self.small.extents.items() if self.large.extents[c] > n}

    @property
    def stated(self) -> dict[str, tuple[int, ...]]:
        """What ``accelsim passes`` states to be live over passes of a growing rank, with the passes."""
        found: dict[str, tuple[int, ...]] = {}
        for rank in self.cascade.passes():
            if set(rank.split(".")) & self.growing:
                for live in self.cascade.passes_explained(rank).live:
                    found[live.tensor] = max(found.get(live.tensor, ()), live.passes, key=len)
        return found

    @property
    def grown(self) -> dict[str, Fraction]:
        """Tensors of which the buffers hold more with more tokens, and how many times as much."""
        pairs = zip(self.few.buffers, self.many.buffers, strict=True)
        return {
            tensor: Fraction(large.by_tensor.get(tensor, 0), held)
            for small, large in pairs
            for tensor, held in small.by_tensor.items()
            if held and 50 * large.by_tensor.get(tensor, 0) > 51 * held
        }

    def moved(self, tensor: str) -> Fraction:
        """Return how often the whole of a tensor is loaded and stored, with more tokens."""
        whole = prod(self.large.shapes[tensor]) * self.heads * self.many.word_bytes
        return (
            sum((t.bytes for t in self.many.transfers if t.tensor == tensor), Fraction(0)) / whole
        )


def pair(name: str, arch: str, few: int, many: int, settings: dict[str, str] | None = None) -> Pair:
    """Return a cascade with one mapping for few tokens and many."""
    job = Job.of(cascade=name, arch=arch, mapping="auto", arch_set=settings)
    stages = [job.load(None, tokens).stage_of(job.cascade) for tokens in (few, many)]
    lowered, name = _lowered(job, stages)
    done = [measure(x, jump.run(x.program), "", name) for x in lowered]
    return Pair(
        cascade=job.cascade,
        few=done[0],
        many=done[1],
        small=lowered[0].plan.sizes,
        large=lowered[1].plan.sizes,
        heads=prod(stages[1].leading.values()),
    )


def _lowered(job: Job, stages: list[Stage]) -> tuple[list[Lowered], str]:
    """Return the programs of one mapping for all stages: made for the last, else the first, tiles fixed.

    Their numbers are those of the stage that it was made for, else those that fill the buffer at the first.
    """
    refused: list[SpecError | InfeasibleError] = []
    many, few = (job.run(stage).mapping for stage in reversed(stages))
    for made, at in ((many, -1), (few, 0), (many, 0), (many, None)):
        try:
            mapping = made if at is None else _fixed(_at(job, made, stages[at]), made)
            return [_at(job, mapping, stage) for stage in stages], mapping.name
        except (SpecError, InfeasibleError) as error:  # its numbers do not divide, or fit
            refused.append(error)
    raise refused[0]


def _at(job: Job, mapping: Mapping, stage: Stage) -> Lowered:
    return lower(mapping.plan(job.problem(stage)))


def _fixed(lowered: Lowered, mapping: Mapping) -> Mapping:
    """Return a mapping with the numbers in place of sizes that fill the buffer."""
    text = mapping.document.source
    for block in lowered.plan.blocks:
        for loop in block.loops:
            fits = rf"\b{loop.upper()}: max_fit\(\w+\)"
            text = re.sub(fits, f"{loop.upper()}: {block.count(loop)}", text, count=1)
    return Mapping.from_document(read_text(text, "fixed.yaml"), "fixed")
