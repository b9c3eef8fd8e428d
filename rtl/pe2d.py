"""The processing element of the 2D array: MAC, maximum, and exp as steps on the MAC.

Instructions come from the left with a K or V word and go on to the right; a Q word or a running
maximum comes from above and goes on below. A sum or maximum over a column comes from above in the
last stage of the MAC, where the element's own product is ready, and leaves below a cycle later.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from accelsim.engines.exponential_steps import STEPS, ExponentialSteps
from accelsim.engines.number import Float
from accelsim.rtl import number
from accelsim.rtl.exponential_steps import STEP_0, Steps, once, part, staged


class Op(IntEnum):
    """Operations of an element; the steps of an exponential follow from ``STEP_0`` on."""

    IDLE = 0
    SCORE = 1  # QK: score += west * north
    MAXIMUM = 2  # LM: the greater of score and what comes from above
    SUM = 3  # SLD: exponential plus what comes from above
    PRODUCT = 4  # SLNV: exponential * west plus what comes from above


LAST_STEP = STEP_0 + STEPS - 1


def instruction(scores: int, count_bits: int) -> data.StructLayout:
    """Return the layout of an instruction: with it travel where its column result goes, and if it counts.

    ``first``: the first of its task, where a score starts from 0; ``last``: the last of its task;
    ``on``: the row has a key.
    """
    return data.StructLayout(
        {
            "op": 4,
            "first": 1,
            "last": 1,
            "on": 1,
            "score": max(1, ceil_log2(scores)),
            "count": count_bits,
        }
    )


def element_ports(
    operand: Float, accumulator: Float, layout: data.StructLayout
) -> dict[str, wiring.Member]:
    """Return the ports of an element."""
    return {
        "op_in": In(layout),
        "op_out": Out(layout),
        "west": In(operand.width),
        "east": Out(operand.width),
        "north": In(operand.width),
        "south": Out(operand.width),
        "above": In(accumulator.width),
        "below": Out(accumulator.width),
        "early": Out(layout),
        "adding": Out(layout),
        "leaving": Out(layout),
    }


class PE2D(wiring.Component):
    """One element with ``scores`` score registers and a MAC of ``stages`` stages.

    ``east`` and ``south`` are ``west`` and ``north`` a cycle later; ``below`` is the column's value, and
    ``leaving`` the instruction it belongs to, ``stages`` cycles after that came. ``adding`` is the
    instruction in the last stage, ``early`` the one a stage before (none if there is but one).
    """

    def __init__(
        self, operand: Float, accumulator: Float, stages: int, scores: int, count_bits: int
    ) -> None:
        self.model = ExponentialSteps(operand, accumulator)
        self.stages, self.scores = stages, scores
        self.layout = instruction(scores, count_bits)
        super().__init__(element_ports(operand, accumulator, self.layout))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        x, y = self.model.operand, self.model.accumulator
        m.d.sync += [
            self.op_out.eq(self.op_in),
            self.east.eq(self.west),
            self.south.eq(self.north),
        ]
        scores = data.ArrayLayout(y.width, self.scores)
        held = Signal(scores, reset_less=True)  # a score, and in its low bits its exponential
        steps = Steps(m, self.model)
        a, b, c = Signal(x.width), Signal(x.width), Signal(y.width)
        first = self.op_in
        own = Signal(x.width, name="own_exponential")
        m.d.comb += own.eq(held[first.score][: x.width])
        choose, add = part(m), part(m)
        with choose.Switch(first.op):
            with choose.Case(Op.SCORE):
                choose.d.comb += [a.eq(self.west), b.eq(self.north)]
            with choose.Case(Op.SUM):
                choose.d.comb += [a.eq(own), b.eq(x.one)]
            with choose.Case(Op.PRODUCT):
                choose.d.comb += [a.eq(own), b.eq(self.west)]
            with choose.Case(STEP_0):
                choose.d.comb += [a.eq(self.north), b.eq(self.model.minus_one)]
        steps.operands(choose, first.op, a, b)
        registers = [(self.stages - 1 + place) // 3 for place in range(3)]
        fields: Any = staged(m, number.product(x, y), {"a": a, "b": b}, registers)
        last: Any = first
        for stage in range(1, self.stages):
            before, last = last, Signal(self.layout, name=f"in_stage_{stage}")
            m.d.sync += last.eq(before)
            if stage == self.stages - 1:
                m.d.comb += self.early.eq(before)
        m.d.comb += self.adding.eq(last)
        score = Signal(y.width, name="own_score")
        m.d.comb += score.eq(held[last.score])
        with add.Switch(last.op):
            with add.Case(Op.SCORE):
                add.d.comb += c.eq(Mux(last.first, 0, score))
            with add.Case(Op.SUM, Op.PRODUCT):
                add.d.comb += c.eq(self.above)
            with add.Case(STEP_0):
                add.d.comb += c.eq(score)
        steps.addend(add, last.op, c)
        result = once(m, number.accumulate(y), fields | {"c": c}, "result")
        steps.keep(last.op, result)
        greater = once(m, number.maximum(y), {"a": score, "b": self.above}, "result")
        with m.If(last.op == Op.SCORE):
            m.d.sync += held[last.score].eq(result)
        with m.Elif(last.op == LAST_STEP):
            m.d.sync += held[last.score].eq(steps.result(result))
        m.d.sync += self.leaving.eq(last)
        with m.If(~last.on):
            m.d.sync += self.below.eq(self.above)
        with m.Elif(last.op == Op.MAXIMUM):
            m.d.sync += self.below.eq(greater)
        with m.Else():
            m.d.sync += self.below.eq(result)
        return m
