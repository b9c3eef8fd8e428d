"""A lane of the 1D array: MAC, maximum, exp on the MAC, divider, and the running state of its queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import ClassVar, NamedTuple

from accelsim.engines.divide import Divide
from accelsim.engines.element import Element, bits, powers_of_two
from accelsim.engines.element_stimulus import lane_operands
from accelsim.engines.engine import Operands, Operation, Port, parameter
from accelsim.engines.exponential_steps import STEPS, Travelling
from accelsim.engines.quotient import quotient
from accelsim.engines.running_max import RunningMax


class LaneOp(IntEnum):
    """Operations of a lane; the seven of an exponential (PRM) follow from ``STEP_0`` on."""

    IDLE = 0
    RM = 1  # the running maximum
    SPD = 2  # the running sum, rescaled
    SPNV = 3  # an element of the running product, rescaled
    RD = 4  # the running sum and the tile's
    RNV = 5  # an element of the running product and the tile's
    AV = 6  # an element of the result
    STEP_0 = 8


LAST_STEP = LaneOp.STEP_0 + STEPS - 1
WORKS = (*range(LaneOp.RM, LaneOp.AV + 1), *range(LaneOp.STEP_0, LAST_STEP + 1))


@dataclass(frozen=True, kw_only=True)
class Lane(Element):
    """What one lane is built for, and the instruction that it takes."""

    stages: int = parameter(5, "cycles of an operation on the MAC", low=1, high=16)
    digits: int = parameter(2, "bits of the quotient a cycle", low=1, high=64)
    tiles: int = parameter(2, "queries", low=1, high=128)
    value: int = parameter(4, "elements of a value", low=1, high=256)
    rings: int = parameter(4, "scalars that wait, a power of two", low=1, high=64)
    vectors: int = parameter(2, "products of a tile that wait, a power of two", low=1, high=16)

    def check(self) -> None:
        powers_of_two(self, "rings", "vectors")
        super().check()

    @cached_property
    def divider(self) -> Divide:
        return Divide(form=self.accumulator, to=self.operand, digits=self.digits)

    @cached_property
    def running_max(self) -> RunningMax:
        return RunningMax(**self.shared(RunningMax))

    @property
    def tag(self) -> int:
        return max(bits(self.rings), bits(self.vectors))

    @property
    def control(self) -> tuple[tuple[str, int], ...]:
        """Fields of an instruction: the first or last of its task, the query and its element."""
        flags = (("first", 1), ("last", 1), ("fresh", 1))
        which = (("tile", bits(self.tiles)), ("element", bits(self.value)), ("tag", self.tag))
        return (("op", 4), *flags, *which)

    def payload(self, port: str, bits: int) -> int:
        """A column hands down a sum that can be; an instruction is for a query that there is."""
        fields = self.port(port).unpack(bits)
        if "product" in fields:
            fields["value"] = self.adder.legal(fields["value"])
        if "tile" in fields:
            fields["tile"] %= self.tiles
            fields["element"] %= self.value
        return self.port(port).pack(**fields)


@dataclass(frozen=True, kw_only=True)
class PE1D(Lane):
    """A lane: a MAC, a comparator, a divider, and the state RM, RD, RNV of ``tiles`` queries.

    A rigid pipeline: an instruction comes in at ``i`` and leaves at ``o`` a cycle later for the lane to
    the right; in that cycle its operands are read. RM is done at once, and its maximum leaves at
    ``climb``. All else goes through the MAC, whose sum is rounded and written in the last of
    ``stages``, where the next instruction may read it; SPD and SPNV write in place of RD and RNV. AV goes
    through the divider. What a column hands down (``sum``, ``maximum``) waits in rings, by its tag.
    Of a ``fresh`` query nothing old is used, whatever it is: a flag, as 0 x infinity is a NaN.
    """

    name: ClassVar[str] = "pe1d"

    @property
    def ports(self) -> tuple[Port, ...]:
        x, y = self.operand.width, self.accumulator.width
        done = (("first", 1), ("last", 1), ("tag", self.tag))
        which = (("tile", bits(self.tiles)), ("element", bits(self.value)), ("last", 1))
        told = (("op", 4), ("first", 1), ("last", 1))
        rigid = {"always_ready": True}
        return (
            Port("i", "in", self.control, **rigid),
            Port("sum", "in", (("value", self.adder.width), ("product", 1), *done), **rigid),
            Port("maximum", "in", (("value", y), *done), **rigid),
            Port("o", "out", self.control, **rigid),
            Port("climb", "out", (("value", x), ("tag", self.tag)), **rigid),
            Port("early", "out", told, **rigid),
            Port("adding", "out", told, **rigid),
            Port("quotient", "out", (("value", x), *which), **rigid),
        )

    @property
    def latency(self) -> int:
        """Cycles until the quotient of an instruction is there, or its sum is in the state."""
        return max(self.divider.latency, self.stages) + 1

    @property
    def lags(self) -> Mapping[tuple[str, str], int]:
        return {
            ("i", "o"): 1,
            ("i", "climb"): 2,
            ("i", "early"): self.stages - 1,
            ("i", "adding"): self.stages,
            ("i", "quotient"): self.divider.latency,
        }

    @property
    def operations(self) -> tuple[Operation, ...]:
        """A sum of RNV, a rescaling of SPNV, a maximum, a step of an exponential, a quotient."""
        return (
            Operation("add", "add", "compute", "adding"),
            Operation("mul", "mul", "compute", "adding"),
            Operation("max", "max", "compute", "climb"),
            Operation("step", "exp", "step", "adding"),
            Operation("div", "div", "compute", "quotient"),
        )

    def operands(self, operation: str, kind: str, seed: int, count: int) -> Operands:
        return lane_operands(self, operation, kind, seed, count)

    def model(self) -> LaneModel:
        return LaneModel(self)


class _Stage(NamedTuple):
    """An instruction, its sum if it is one of the MAC, and the state of an exponential."""

    fields: Mapping[str, int]
    result: int = 0
    state: Travelling = Travelling()


class LaneModel:
    def __init__(self, engine: PE1D) -> None:
        self._engine = engine
        self._steps = engine.steps
        self._came: int | None = None
        self._idle = _Stage(dict.fromkeys([name for name, _ in engine.control], 0))
        self._stages = [self._idle] * (engine.stages - 1)  # from the second on
        self._done, self._back = False, self._idle  # what was last in the last stage
        self._divided: list[int | None] = [None] * (engine.divider.latency - 1)
        self._maxima = engine.running_max.model()
        self._state: dict[str, list[int]] = {
            "RD": [0] * engine.tiles,
            "RNV": [0] * engine.tiles * engine.value,
        }
        self._rings = {name: [0] * engine.rings for name in ("totals", "scale")}
        self._products = [0] * engine.vectors * engine.value
        self._element = 0  # of the product that comes next

    def step(
        self, offered: Mapping[str, int | None], ready: Mapping[str, bool]
    ) -> tuple[frozenset[str], Mapping[str, int]]:
        del ready  # rigid
        engine = self._engine
        now, fetch = self._works(self._came), self._works(offered["i"])
        running = self._running(fetch, offered["maximum"])
        gives = {"o": self._came, "climb": running.get("climb")}
        ways = [self._issue(now, running.get("pair")), *self._stages]
        last = ways[-1]
        early = fetch if engine.stages == 1 else ways[-2].fields
        for name, fields in (("early", early), ("adding", last.fields)):
            if fields["op"]:
                told = {field: fields[field] for field in ("op", "first", "last")}
                gives[name] = engine.port(name).pack(**told)
        self._divided.insert(0, self._quotient(now))
        gives["quotient"] = self._divided.pop()
        self._end_of_cycle(last, offered["sum"])
        self._stages, self._came = ways[:-1], offered["i"]
        self._done = last.fields["op"] != LaneOp.IDLE
        self._back = last if self._done else self._back
        given = {name: value for name, value in gives.items() if value is not None}
        return frozenset({"i", "sum", "maximum"}), given

    @property
    def standing(self) -> Mapping[str, Sequence[int]]:
        """Return the running state: RD of each query, RNV of each of its elements."""
        return self._state

    def reset(self) -> None:
        """Pass a cycle of reset: nothing is on its way any more, the state stays."""
        self.step(dict.fromkeys(("i", "sum", "maximum")), {})
        self.clear()

    def clear(self) -> None:
        self._came, self._done, self._element = None, False, 0
        self._stages = [self._idle] * len(self._stages)
        self._divided = [None] * len(self._divided)
        self._maxima.clear()

    def _works(self, value: int | None) -> Mapping[str, int]:
        """Return an instruction's fields, those of none if it does nothing."""
        fields = self._engine.port("i").unpack(value or 0)
        return fields if fields["op"] in WORKS else self._idle.fields

    def _running(self, fetch: Mapping[str, int], maximum: int | None) -> Mapping[str, int]:
        """Pass a cycle of the running maxima: RM updates one, the first step of PRM reads a pair."""
        engine = self._engine.running_max
        which = {name: fetch[name] for name in ("fresh", "tile", "tag")}
        what = {"update": fetch["op"] == LaneOp.RM, "rescale": fetch["op"] == LaneOp.STEP_0}
        offered: dict[str, int | None] = {"i": engine.port("i").pack(**what, **which)}
        offered["maximum"] = None
        if maximum is not None:
            fields = self._engine.port("maximum").unpack(maximum)
            told = {name: fields[name] for name in ("value", "tag")}
            offered["maximum"] = engine.port("maximum").pack(**told)
        return self._maxima.step(offered, {})[1]

    def _ring(self, fields: Mapping[str, int]) -> int:
        return fields["tag"] % self._engine.rings

    def _at(self, fields: Mapping[str, int]) -> int:
        """Return where an element of a running product is."""
        return fields["tile"] * self._engine.value + fields["element"]

    def _issue(self, fields: Mapping[str, int], pair: int | None) -> _Stage:
        """Read the operands, or take those of an exponential's next step, and compute."""
        engine, steps = self._engine, self._steps
        x, y = engine.operand, engine.accumulator
        op, ring, back = fields["op"], self._ring(fields), self._back
        special, whole, kept = back.state.special, back.state.whole, 0
        a = b = c = 0
        if op in (LaneOp.SPD, LaneOp.SPNV):
            old = self._state["RD"][fields["tile"]]
            a = old if op == LaneOp.SPD else self._state["RNV"][self._at(fields)]
            b = x.convert(self._rings["scale"][ring], y)
        elif op == LaneOp.RD:
            a, b = self._rings["totals"][ring], y.one
            c = 0 if fields["fresh"] else self._state["RD"][fields["tile"]]
        elif op == LaneOp.RNV:
            place = fields["tag"] % engine.vectors * engine.value + fields["element"]
            a, b = self._products[place], y.one
            c = 0 if fields["fresh"] else self._state["RNV"][self._at(fields)]
        elif op >= LaneOp.STEP_0:
            number = op - LaneOp.STEP_0
            factors: tuple[int, int]
            if number == 0:
                maxima = engine.running_max.port("pair").unpack(pair or 0)
                factors = maxima["new"], steps.minus_one
                kept = x.convert(maxima["old"], y)
            else:
                special = steps.special(back.result) if number == 1 else special
                whole = steps.integer(back.result) if number == 2 else whole
                *two, kept = steps.step(number, back.result, back.state.kept, whole)
                factors = two[0], two[1]
            a, b = (x.convert(factor, y) for factor in factors)
            c = steps.addend(number, kept)
        kept = c if op in (LaneOp.RD, LaneOp.RNV) else kept
        return _Stage(fields, y.fused(a, b, c, y), Travelling(kept, whole, special))

    def _quotient(self, fields: Mapping[str, int]) -> int | None:
        engine = self._engine
        if fields["op"] != LaneOp.AV:
            return None
        a, b = self._state["RNV"][self._at(fields)], self._state["RD"][fields["tile"]]
        value = quotient(a, b, engine.accumulator, engine.operand)
        which = {name: fields[name] for name in ("tile", "element", "last")}
        return engine.port("quotient").pack(value=value, **which)

    def _end_of_cycle(self, last: _Stage, column: int | None) -> None:
        """Write the state: sums in the last stage, an exponential behind it, what the column hands down."""
        engine, fields, op = self._engine, last.fields, last.fields["op"]
        if op == LaneOp.RD or (op == LaneOp.SPD and not fields["fresh"]):
            self._state["RD"][fields["tile"]] = last.result
        if op == LaneOp.RNV or (op == LaneOp.SPNV and not fields["fresh"]):
            self._state["RNV"][self._at(fields)] = last.result
        back = self._back
        if self._done and back.fields["op"] == LAST_STEP:
            power = self._steps.outcome(back.result, back.state)
            self._rings["scale"][self._ring(back.fields)] = power
        if column is not None:
            self._take(engine.port("sum").unpack(column))

    def _take(self, fields: Mapping[str, int]) -> None:
        """Write what a column hands down: a sum by its tag, products one by one."""
        engine = self._engine
        number = engine.adder.rounded(engine.adder.sum_of(fields["value"]))
        if not fields["product"]:
            self._rings["totals"][self._ring(fields)] = number
            return
        element = 0 if fields["first"] else self._element
        self._products[fields["tag"] % engine.vectors * engine.value + element] = number
        self._element = (element + 1) % engine.value
