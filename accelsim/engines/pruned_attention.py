"""One query of one head with pruned values: scores, softmax, requantisation, top-k, weighted sum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, NamedTuple

from accelsim.engines.divide import Divide
from accelsim.engines.engine import Engine, Model, Operation, Port, parameter
from accelsim.engines.exponential import Exponential
from accelsim.engines.mac import Mac
from accelsim.engines.number import BF16, FP32, Float
from accelsim.engines.quick_select import QuickSelect
from accelsim.engines.rows import count_bits, lanes_of


class Answer(NamedTuple):
    """What a query comes to: weighted sums [F], kept indices, whether it read the low bits."""

    sums: tuple[int, ...]
    kept: tuple[int, ...]
    requantised: bool
    probabilities: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class PrunedAttention(Engine):
    """The attention path of SpAtten at one key a cycle: a query in, a weighted sum of values out.

    The high bits of the keys are fetched and multiplied with the query; scores go through
    exp(s - max), a sum and a division to probabilities of ``width`` bits. If their greatest is below
    the query's tau, the low bits are fetched and added to the scores, and the softmax is done again.
    A top-k engine keeps the k largest probabilities; only their values are fetched, and summed with
    the probabilities as weights. The next query's scores are made meanwhile: there are two buffers
    of probabilities. Source: SpAtten (HPCA 2021), sections III and IV.

    All scores are exact integers, in steps of 2^-``scale``; exp is relative to the maximum in the
    narrow format, rounded towards zero, which the division cancels.
    """

    name: ClassVar[str] = "pruned_attention"

    features: int = parameter(4, "elements of a key and of a value", low=1, high=64)
    keys: int = parameter(32, "keys that a query may have", low=2, high=1 << 16)
    lanes: int = parameter(4, "values of a row of the top-k engine, a power of two", low=1, high=64)
    width: int = parameter(12, "bits of a probability", low=2, high=16)
    query_bits: int = parameter(8, "bits of an element of the query", low=2, high=16)
    high_bits: int = parameter(4, "bits of a key that are always fetched", low=2, high=16)
    low_bits: int = parameter(
        4, "bits of a key that are fetched if need be; 0: none", low=0, high=16
    )
    value_bits: int = parameter(8, "bits of an element of a value", low=2, high=16)
    scale: int = parameter(8, "a score is its integer x 2^-scale", low=0, high=64)
    form: Float = parameter(BF16, "format of exponentials")
    accumulator: Float = parameter(FP32, "format of scores and sums")
    stages: int = parameter(3, "stages of the exponential's MAC", low=1, high=16)
    digits: int = parameter(4, "bits of the quotient a cycle", low=1, high=64)
    outstanding: int = parameter(4, "values on their way", low=1, high=64)

    def check(self) -> None:
        if self.lanes & (self.lanes - 1):
            raise self.fault(f"lanes must be a power of two, not {self.lanes}")
        form, wide = self.form, self.accumulator
        if form.exponent != wide.exponent:
            raise self.fault(f"form and accumulator must have one exponent, not {form} and {wide}")
        if self.score_bits - 1 > wide.mantissa + 1:
            raise self.fault(
                f"accumulator must hold scores of {self.score_bits} bits, not only {wide.mantissa + 2}"
            )
        if not 0 < wide.bias - self.scale <= 2 * wide.bias - self.score_bits:
            raise self.fault(f"scale must leave scores within {wide}, not be {self.scale}")
        if wide.bias <= self.width:
            raise self.fault(f"width must be less than {wide.bias}, not {self.width}")
        self.exponential.check()

    @property
    def key_bits(self) -> int:
        return max(self.high_bits, self.low_bits)

    @property
    def score_bits(self) -> int:
        """Bits of a score with its sign."""
        return self.query_bits + self.high_bits + self.low_bits + (self.features - 1).bit_length()

    @property
    def sum_bits(self) -> int:
        """Bits of a weighted sum with its sign."""
        return self.width + self.value_bits + (self.keys - 1).bit_length()

    @property
    def index_bits(self) -> int:
        return count_bits(self.keys - 1)

    @property
    def probability(self) -> Float:
        """The format of a quotient: as many significant bits as a probability has."""
        return Float(self.form.exponent, self.width - 1)

    @cached_property
    def exponential(self) -> Exponential:
        return Exponential(
            form=self.form,
            accumulator=self.accumulator,
            stages=self.stages,
            interleaved=self.stages,
        )

    @cached_property
    def summing(self) -> Mac:
        return Mac(form=self.form, accumulator=self.accumulator, stages=1)

    @cached_property
    def divide(self) -> Divide:
        return Divide(form=self.accumulator, to=self.probability, digits=self.digits)

    @cached_property
    def select(self) -> QuickSelect:
        return QuickSelect(lanes=self.lanes, width=self.width, elements=self.keys)

    @property
    def ports(self) -> tuple[Port, ...]:
        count, index = count_bits(self.keys), self.index_bits
        lanes = lanes_of(self.features, self.query_bits)
        return (
            Port("request", "in", (("n", count), ("k", count), ("tau", self.width), *lanes)),
            Port("key", "in", lanes_of(self.features, self.key_bits)),
            Port("value", "in", lanes_of(self.features, self.value_bits)),
            Port("key_address", "out", (("index", index), ("low", 1))),
            Port("value_address", "out", (("index", index),)),
            Port(
                "o",
                "out",
                (
                    ("kept", count),
                    ("requantised", 1),
                    *lanes_of(self.features, self.sum_bits),
                ),
            ),
        )

    @property
    def latency(self) -> int:
        """Cycles from a request for one key to its result, with a memory that answers a cycle later."""
        return self.front_cycles(1, 1, requantised=False) + self.back_cycles([1], 1, 1) + 1

    @property
    def interval(self) -> int:
        """Cycles from one such request to the next."""
        return max(self.front_cycles(1, 1, requantised=False) + 2, self.back_cycles([1], 1, 1) + 1)

    @property
    def lags(self) -> Mapping[tuple[str, str], int]:
        return {("request", "o"): self.latency}

    @property
    def actions(self) -> Mapping[str, int]:
        return {"query": 1}

    @property
    def operations(self) -> tuple[Operation, ...]:
        return (Operation("query", self.name, "compute", "o"),)

    def front_cycles(self, n: int, latency: int, *, requantised: bool) -> int:
        """Return the cycles of scores, softmax and decision, unstalled, the hand-over not counted.

        ``latency``: cycles from a fetch to its data. A round is a key a cycle and the last key's way
        into the score buffer; exponentials, their sum; quotients; the decision.
        """
        if n == 0:
            return 0
        fetch = n + latency + 1
        groups, rest = divmod(n, self.stages)
        # Exponentials go round the MAC together, as many as it has stages.
        whole = 7 * self.stages * groups
        exps = whole + (6 * self.stages + rest if rest else 0)
        exp = exps + self.stages + 1
        divide = n + self.divide.latency
        return (fetch + exp + divide + 1) * (1 + requantised)

    def back_cycles(self, probabilities: Sequence[int], k: int, latency: int) -> int:
        """Return the cycles from the hand-over of a query to its result, unstalled.

        The request and the probabilities into the top-k engine, its search, then the kept indices:
        a row of c of them holds the way out for max(1, c) cycles, an address a cycle. The result is
        there two cycles after the last value, or after the last row if that is later.
        ``outstanding`` must be more than ``latency``.
        """
        select = self.select
        found = select.chosen(probabilities, k)
        begin = 2 + select.rows_of(len(probabilities)) + found.cycles
        rows = select.rows_out(select.kept(probabilities, k), len(probabilities))
        held = asked = 0
        for advance, row in sorted(rows.items()):
            shown = advance + 1 + held
            if row.indices:
                asked = shown + len(row.indices) - 1
            last = shown + max(1, len(row.indices)) - 1
            held += max(1, len(row.indices)) - 1
        summed = asked + latency if asked else 0
        return begin + max(last, summed) + 2

    def answer(
        self,
        query: Sequence[int],
        keys: Sequence[Sequence[int]],
        values: Sequence[Sequence[int]],
        k: int,
        tau: int,
    ) -> Answer:
        """Return what a query comes to, to the bit.

        ``query`` [E], ``keys`` [M, E] of high_bits + low_bits, ``values`` [M, F]: signed integers.
        ``tau`` in steps of 2^-width.
        """
        cut = [[element >> self.low_bits << self.low_bits for element in key] for key in keys]
        rounds = [cut, keys] if self.low_bits else [cut]
        found: list[int] = []
        requantised = False
        for number, fetched in enumerate(rounds):
            found = self._softmax([_dot(query, key) for key in fetched])
            requantised = number == 1
            if not found or max(found) >= tau:
                break
        kept = self.select.kept(found, k)
        sums = [
            sum(found[index] * values[index][feature] for index in kept)
            for feature in range(self.features)
        ]
        return Answer(tuple(sums), tuple(kept), requantised, tuple(found))

    def _softmax(self, scores: Sequence[int]) -> list[int]:
        if not scores:
            return []
        most = self.to_form(max(scores))
        weights = [self.exponential.steps.of_difference(self.to_wide(s), most) for s in scores]
        whole = 0
        for weight in weights:
            whole = self.form.fused(weight, self.form.one, whole, self.accumulator)
        pack = self.divide.port("i").pack
        return [
            self.to_fixed(self.divide.result(pack(a=self.widened(weight), b=whole)))
            for weight in weights
        ]

    def to_wide(self, score: int) -> int:
        """Return a score in the accumulator's format, exactly."""
        return truncated(score, -self.scale, self.accumulator)

    def to_form(self, score: int) -> int:
        """Return a score in the narrow format, rounded towards zero."""
        return truncated(score, -self.scale, self.form)

    def widened(self, weight: int) -> int:
        """Return a weight in the accumulator's format: the same exponent, more mantissa."""
        return weight << (self.accumulator.mantissa - self.form.mantissa)

    def to_fixed(self, quotient: int) -> int:
        """Return a quotient from 0 to 1 in steps of 2^-width, rounded down, at most all ones."""
        form = self.probability
        exponent = quotient >> form.mantissa
        significand = quotient & ((1 << form.mantissa) - 1) | 1 << form.mantissa
        if exponent >= form.bias:
            return (1 << self.width) - 1
        return significand >> (form.bias - 1 - exponent)

    def model(self) -> Model:
        from accelsim.engines.pruned_attention_model import PrunedAttentionModel

        return PrunedAttentionModel(self)


def _dot(a: Sequence[int], b: Sequence[int]) -> int:
    return sum(x * y for x, y in zip(a, b, strict=True))


def truncated(value: int, scale: int, form: Float) -> int:
    """Return value x 2^scale in a format, rounded towards zero; it must be a normal number or 0."""
    if value == 0:
        return 0
    size = abs(value)
    top = size.bit_length() - 1
    aligned = size << form.mantissa >> top if top > form.mantissa else size << (form.mantissa - top)
    field = form.bias + top + scale
    return (value < 0) << (form.width - 1) | field << form.mantissa | aligned - (1 << form.mantissa)


def signed(bits: int, width: int) -> int:
    """Return the number that two's complement of a width says."""
    return bits - (bits >> (width - 1) << width)
