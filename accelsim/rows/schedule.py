"""The schedule file: what is kept of tokens, heads and values in each layer, and in how many bits."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor
from typing import Annotated

from pydantic import Field, model_validator

from accelsim.specs import Document, Spec, find, read, validate
from accelsim.specs.fields import Positive, Share, Whole

Kept = Annotated[list[Share], Field(min_length=1)]
Part = Annotated[float, Field(ge=0, le=1)]


class Bits(Spec):
    """Bits of the operands, 0 for not quantized; ``extra`` more of a key are read where a query asks."""

    query: Whole = 0
    key: Whole = 0
    value: Whole = 0
    extra: Whole = 0


class ScheduleSpec(Spec):
    """The file ``einsum_cascades/schedules/NAME.yaml``.

    Shares are by layer, the last one for all that follow. ``floor(share * context)`` keys are kept (of the
    tokens at hand, if ``context`` is not given), at most those that there are; ``floor(values * share *
    context)`` of these have their value read. ``generates`` 0: all tokens are queries, once; else so many
    tokens are made one by one after ``tokens`` of a prompt, the first over all keys if ``first_is_dense``.
    A query asks for more bits where its largest weight is below ``threshold``; where no values are at hand,
    ``requantized`` is the share of queries that do, drawn with ``seed``.
    """

    name: str
    summary: str = ""
    source: str
    layers: Positive
    heads: Positive
    features: Positive
    tokens: Positive
    generates: Whole = 0
    context: Whole = 0
    keep_tokens: Kept = [1.0]
    keep_heads: Kept = [1.0]
    keep_values: Share = 1.0
    first_is_dense: bool = False
    bits: Bits = Bits()
    threshold: Part = 0.0
    requantized: Annotated[list[Part], Field(min_length=1)] = [0.0]
    seed: Whole = 0

    @model_validator(mode="after")
    def _asks_for_bits(self) -> ScheduleSpec:
        if (self.threshold or any(self.requantized)) and not (self.bits.key and self.bits.extra):
            raise ValueError("a schedule that requantizes must have bits.key and bits.extra")
        return self


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """A checked schedule."""

    spec: ScheduleSpec
    document: Document

    @classmethod
    def load(cls, name: str) -> Schedule:
        """Read a shipped schedule or a path; SpecError lists every fault."""
        return cls.from_document(read(find.path("schedule", name)))

    @classmethod
    def from_document(cls, document: Document) -> Schedule:
        return cls(spec=validate(document, ScheduleSpec), document=document)

    def keys(self, layer: int, tokens: int, iteration: int = 0) -> int:
        """Keys that a layer keeps of ``tokens``."""
        spec = self.spec
        if spec.generates and spec.first_is_dense and iteration == 0:
            return tokens
        share = _of(spec.keep_tokens, layer)
        return tokens if share == 1 else max(1, min(tokens, _count(share, spec.context or tokens)))

    def values(self, layer: int, tokens: int, keys: int, iteration: int = 0) -> int:
        """Values that are read of ``keys``."""
        spec = self.spec
        if spec.keep_values == 1:
            return keys
        share = _of(spec.keep_tokens, layer)
        if spec.generates and spec.first_is_dense and iteration == 0:
            share = 1.0
        return max(1, min(keys, _count(share * spec.keep_values, spec.context or tokens)))

    def heads(self, layer: int, heads: int | None = None) -> int:
        """Heads that a layer keeps."""
        every = self.spec.heads if heads is None else heads
        return max(1, _count(_of(self.spec.keep_heads, layer), every))

    def requantized(self, layer: int) -> float:
        return _of(self.spec.requantized, layer)


def _of(shares: list[float], layer: int) -> float:
    return shares[min(layer, len(shares) - 1)]


def _count(share: float, of: int) -> int:
    """The floor of a share; a product such as 0.7 x 10 that is a rounding error short is whole."""
    return floor(share * of + 1e-9)


__all__ = ["Bits", "Schedule", "ScheduleSpec"]
