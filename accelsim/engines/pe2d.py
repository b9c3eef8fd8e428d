"""The processing element of the 2D array: MAC, maximum, and exp as seven operations on the MAC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import ClassVar

from accelsim.engines.element import Element, bits
from accelsim.engines.element_stimulus import element_operands
from accelsim.engines.engine import Operands, Operation, Port, parameter
from accelsim.engines.exponential_steps import STEPS, Travelling
from accelsim.engines.number_sum import Real


class Op(IntEnum):
    """Operations of an element; the seven of an exponential follow from ``STEP_0`` on."""

    IDLE = 0
    SCORE = 1  # QK: score += west * north
    MAXIMUM = 2  # LM: the greater of score and what comes from above
    SUM = 3  # SLD: exponential plus what comes from above
    PRODUCT = 4  # SLNV: exponential * west plus what comes from above
    STEP_0 = 8  # SLN: exp(score - north)


LAST_STEP = Op.STEP_0 + STEPS - 1
COLUMN = (Op.SUM, Op.PRODUCT)
WORKS = (Op.SCORE, Op.MAXIMUM, *COLUMN, *range(Op.STEP_0, LAST_STEP + 1))


@dataclass(frozen=True, kw_only=True)
class WideElement(Element):
    """What one element of the 2D array is built for, and the instruction that it takes."""

    scores: int = parameter(4, "scores in the register file", low=1, high=64)
    tag: int = parameter(3, "bits that travel with an instruction", low=1, high=32)

    @property
    def control(self) -> tuple[tuple[str, int], ...]:
        """Fields of an instruction without operands.

        ``first`` and ``last`` of its sum or column; ``on``: the row has a key; ``score``: its register.
        """
        return (
            ("op", 4),
            ("first", 1),
            ("last", 1),
            ("on", 1),
            ("score", bits(self.scores)),
            ("tag", self.tag),
        )


@dataclass(frozen=True, kw_only=True)
class PE2D(WideElement):
    """One element of the 2D array: a MAC, a comparator, and a register file of scores.

    A rigid pipeline: an instruction comes in at ``i`` with its operands, leaves at ``o`` a cycle
    later for the element to its right, and is done ``stages`` cycles after it came. Multiplication
    takes all stages but one; the sum is held unrounded, as the MAC's is, and goes so down the column:
    ``above`` is what the element above has, in the last stage, and ``sum`` or ``maximum`` what goes on
    below, a cycle later. A score is rounded when its last product is in; LM may follow at once. An
    operation that needs the result of another as a factor, as in an exponential, waits for ``stages``
    cycles; up to as many exponentials go round the pipeline at a time, their state with them.
    """

    name: ClassVar[str] = "pe2d"

    @property
    def ports(self) -> tuple[Port, ...]:
        x, y, sum_ = self.operand.width, self.accumulator.width, self.adder.width
        carried = (*self.control, ("west", x), ("north", x))
        done = (("first", 1), ("last", 1), ("tag", self.tag))
        rigid = {"always_ready": True}
        return (
            Port("i", "in", carried, **rigid),
            Port("above", "in", (("sum", sum_), ("maximum", y)), always_valid=True, **rigid),
            Port("o", "out", carried, **rigid),
            Port("adding", "out", (("op", 4), *done), **rigid),
            Port("sum", "out", (("value", sum_), ("product", 1), *done), **rigid),
            Port("maximum", "out", (("value", y), *done), **rigid),
        )

    @property
    def latency(self) -> int:
        return self.stages

    @property
    def lags(self) -> Mapping[tuple[str, str], int]:
        return {
            ("i", "o"): 1,
            ("i", "adding"): self.stages - 1,
            ("i", "sum"): self.stages,
            ("i", "maximum"): self.stages,
            ("above", "sum"): 1,
            ("above", "maximum"): 1,
        }

    @property
    def operations(self) -> tuple[Operation, ...]:
        """A product of QK, an addition of SLD, a comparison of LM, a step of an exponential of SLN."""
        return (
            Operation("mac", "mac", "compute", "adding"),
            Operation("add", "add", "compute", "sum"),
            Operation("max", "max", "compute", "maximum"),
            Operation("step", "exp", "step", "adding"),
        )

    def operands(self, operation: str, kind: str, seed: int, count: int) -> Operands:
        return element_operands(self, operation, kind, seed, count)

    def payload(self, port: str, bits: int) -> int:
        """Above comes a sum that can be."""
        if port != "above":
            return bits
        width = self.adder.width
        return bits >> width << width | self.adder.legal(bits & ((1 << width) - 1))

    def model(self) -> ElementModel:
        return ElementModel(self)


NOTHING = Travelling()


@dataclass
class _Stage:
    """An instruction on its way, with factors, and the state of an exponential."""

    fields: Mapping[str, int]
    valid: bool
    a: int
    b: int
    state: Travelling = NOTHING


class ElementModel:
    def __init__(self, engine: PE2D) -> None:
        self._engine = engine
        self._i, self._above = engine.port("i"), engine.port("above")
        self._steps, self._adder = engine.steps, engine.adder
        nothing = dict.fromkeys([name for name, _ in engine.port("i").fields], 0)
        self._came: int | None = None
        empty = _Stage(nothing, valid=False, a=0, b=0)
        self._stages = [empty] * engine.stages
        self._sum = Real(0, 1, 0, 0, 0)
        self._maximum = 0
        self._scores = [0] * (1 << dict(engine.control)["score"])

    @property
    def standing(self) -> tuple[int, int]:
        """Return the bits of the sum and of the maximum in the registers, whether they are given or not."""
        return self._adder.bits(self._sum), self._maximum

    def step(
        self, offered: Mapping[str, int | None], ready: Mapping[str, bool]
    ) -> tuple[frozenset[str], Mapping[str, int]]:
        del ready  # rigid
        gives: dict[str, int] = {}
        if self._came is not None:
            gives["o"] = self._came
        self._came = offered["i"]
        issued = self._issue(offered["i"])
        last, done = ([issued, *self._stages][n] for n in (-2, -1))
        op = done.fields["op"]
        tag = {name: done.fields[name] for name in ("first", "last", "tag")}
        if done.valid and op in COLUMN:
            value, product = self._adder.bits(self._sum), int(op == Op.PRODUCT)
            gives["sum"] = self._port("sum").pack(value=value, product=product, **tag)
        if done.valid and op == Op.MAXIMUM:
            gives["maximum"] = self._port("maximum").pack(value=self._maximum, **tag)
        if last.valid:
            kept = {name: last.fields[name] for name in ("op", "first", "last", "tag")}
            gives["adding"] = self._port("adding").pack(**kept)
        self._end_of_cycle(last, done, self._above.unpack(offered["above"] or 0))
        self._stages = [issued, *self._stages[:-1]]
        return frozenset({"i", "above"}), gives

    def reset(self) -> None:
        """Pass a cycle of reset: what is on its way goes on, but counts for nothing."""
        self.step({"i": None, "above": 0}, {})
        self.clear()

    def clear(self) -> None:
        self._came = None
        self._stages = [replace(stage, valid=False) for stage in self._stages]

    def _port(self, name: str) -> Port:
        return self._engine.port(name)

    def _issue(self, value: int | None) -> _Stage:
        """Choose the factors, from what comes in or from the operation that is just done."""
        x = self._engine.operand
        back = self._stages[-1].state
        fields = self._i.unpack(value or 0)
        op = fields["op"]
        found = _Stage(fields, valid=value is not None and op in WORKS, a=0, b=0)
        if not found.valid:
            fields = found.fields = {**fields, "op": Op.IDLE}
            op = Op.IDLE
        own = self._scores[fields["score"]]
        exponential = own & ((1 << x.width) - 1)
        special, whole = back.special, back.whole
        kept = 0
        if op == Op.SCORE:
            found.a, found.b = fields["west"], fields["north"]
        elif op in (Op.IDLE, Op.MAXIMUM) or (op in COLUMN and not fields["on"]):
            found.a, found.b = x.sign_bit, x.one
        elif op in COLUMN:
            found.a = exponential
            found.b = x.one if op == Op.SUM else fields["west"]
        elif op == Op.STEP_0:
            found.a, found.b, kept = fields["north"], self._steps.minus_one, own
        elif op > Op.STEP_0:
            number = op - Op.STEP_0
            result = self._adder.rounded(self._sum)
            if number == 1:
                special = self._steps.special(result)
            if number == 2:
                whole = self._steps.integer(result)
            found.a, found.b, kept = self._steps.step(number, result, back.kept, whole)
        found.state = Travelling(kept=kept, whole=whole, special=special)
        return found

    def _end_of_cycle(self, last: _Stage, done: _Stage, above: Mapping[str, int]) -> None:
        """Add, compare, and write the register file."""
        fields, op = last.fields, last.fields["op"]
        rounded = self._adder.rounded(self._sum)
        ends = done.fields["op"] == Op.SCORE and done.fields["last"]
        score = self._scores[fields["score"]]
        if done.valid and ends and done.fields["score"] == fields["score"]:
            score = rounded
        if done.valid and ends:
            self._scores[done.fields["score"]] = rounded
        if done.valid and done.fields["op"] == LAST_STEP:
            power = self._steps.outcome(rounded, done.state)
            self._scores[done.fields["score"]] = power
        if last.valid and op == Op.MAXIMUM:
            greater = self._engine.accumulator.maximum(score, above["maximum"])
            self._maximum = greater if fields["on"] else above["maximum"]
        addend = self._sum
        if op in COLUMN:
            addend = self._adder.sum_of(above["sum"])
        elif op >= Op.STEP_0:
            step = op - Op.STEP_0
            addend = self._adder.held(self._steps.addend(step, last.state.kept))
        elif op == Op.SCORE and fields["first"]:
            addend = self._adder.held(0)
        self._sum = self._adder.add(last.a, last.b, addend)
