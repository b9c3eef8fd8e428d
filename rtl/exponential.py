"""exp(a - b): a MAC whose sums come back as operands, with all state travelling along."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data

from accelsim.engines.exponential_steps import STEPS, ExponentialSteps
from accelsim.engines.number import Float
from accelsim.rtl.block import Block
from accelsim.rtl.mac import multiply_accumulate
from accelsim.rtl.number import convert, pipeline
from accelsim.rtl.number_shift import leading_zeros, shift_left
from accelsim.rtl.number_steps import Fields, Real, layout, normalise, round_off

LAST = STEPS - 1


class Exponential(Block):
    """Twin of :class:`accelsim.engines.exponential.Exponential`.

    With a step travel: d until it is used up, then x(r), in ``kept``; the integer i in ``whole``;
    and in ``special`` a bit each for a NaN, a 0 and an infinity to come.
    """

    def elaborate(self, platform: object) -> Module:
        m = Module()
        engine, model = self.engine, self.engine.steps
        x, y = model.operand, model.accumulator
        came = {
            "valid": Signal(name="back_valid"),
            "step": Signal(3, name="back_step"),
            "kept": Signal(y.width, name="back_kept"),
            "whole": Signal(signed(model.integer_bits), name="back_whole"),
            "special": Signal(3, name="back_special"),
            "result": Signal(y.width, name="back_result"),
        }
        back = dict(came)
        done = Signal()
        again = Signal()
        move = Signal()
        m.d.comb += [
            done.eq(back["valid"] & (back["step"] == LAST)),
            again.eq(back["valid"] & (back["step"] != LAST)),
            move.eq(~done | self.o.ready),
            self.i.ready.eq(move & ~again & self._has_room(m, move, again, back["step"])),
            self.o.valid.eq(done),
        ]
        back["special"] = special_of(m, model, back["result"], back["step"] == 0, back["special"])
        operation = operation_after(m, model, back, self.i.payload)
        m.d.comb += self.o.payload.eq(
            scaled(m, model, back["result"], back["whole"], back["special"])
        )
        operation["valid"] = again | (self.i.valid & self.i.ready)
        # The choice of operands takes about as long as the product: a register between them first.
        found = multiply_accumulate(m, operation, x, y, engine.stages, move, places=(2, 0, 1))
        m.d.comb += [signal.eq(found[name]) for name, signal in came.items()]
        return m

    def _has_room(self, m: Module, move: Value, again: Value, step: Value) -> Value:
        """Count those that have operations to issue; the pipeline itself has room for ``stages``."""
        engine = self.engine
        if engine.interleaved == engine.stages:
            return Value.cast(1)
        begun = Signal(range(engine.interleaved + 1))
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += begun.eq(begun + 1)
        with m.Elif(move & again & (step == LAST - 1)):
            m.d.sync += begun.eq(begun - 1)
        return begun != engine.interleaved


def special_of(
    m: Module, model: ExponentialSteps, result: Value, first: Any, before: Value
) -> Signal:
    """Look at the difference when it comes back (``first``); from then on its bits travel."""
    y = model.accumulator
    size, sign = result[:-1], result[-1]
    great = size >= model.limit
    seen = Cat(size > y.infinity, great & sign, great & ~sign)
    special = Signal(3, name="special")
    m.d.comb += special.eq(Mux(first, seen, before))
    return special


def operation_after(
    m: Module, model: ExponentialSteps, back: Fields, operands: Any
) -> dict[str, Value]:
    """Choose the operands of the step that follows the one that comes back, or of step 0."""
    x, y = model.operand, model.accumulator
    result, kept = back["result"], back["kept"]
    rounded = pipeline(m, convert(y, x), {"a": result}, [0] * 3)["result"]
    whole = Signal(signed(model.integer_bits))
    m.d.comb += whole.eq(Mux(back["step"] == 1, result[: len(whole)].as_signed(), back["whole"]))
    integer = from_integer(m, whole, x)
    new = ~back["valid"] | (back["step"] == LAST)
    follows = [  # after step n: factors, addend, and what is kept
        (rounded, model.log2_e, model.magic, result),
        (integer, model.minus_ln2_high, kept, kept),
        (integer, model.minus_ln2_low, result, kept),
        (model.c3, rounded, model.c2, rounded),
        (rounded, kept, model.c1, kept),
        (rounded, kept, y.one, kept),
    ]
    widths = x.width, x.width, y.width, y.width
    a, b, c, next_kept = (Signal(width) for width in widths)
    for signal, first, *after in zip(
        (a, b, c, next_kept), (operands.b, model.minus_one, operands.a, kept), *follows, strict=True
    ):
        chosen: Any = after[0]
        for step, value in enumerate(after[1:], start=1):
            chosen = Mux(back["step"] == step, value, chosen)
        m.d.comb += signal.eq(Mux(new, first, chosen))
    return {
        "a": a,
        "b": b,
        "c": c,
        "step": Mux(new, 0, back["step"] + 1)[:3],
        "kept": next_kept,
        "whole": whole,
        "special": back["special"],
    }


def from_integer(m: Module, whole: Value, form: Float) -> Value:
    """Return a signed integer as a number; it must fit the significand, so nothing is rounded."""
    bits = len(whole) - 1
    size = Signal(bits + 1, name="whole_size")
    m.d.comb += size.eq(Mux(whole < 0, -whole, whole))
    count = leading_zeros(m, size, "whole")
    found = Signal(layout(form), name="whole_number")
    top = shift_left(m, size, count, "whole")
    m.d.comb += [
        found.sign.eq(whole < 0),
        found.exponent.eq(Mux(size.any(), form.bias + bits - count, 0)),
        found.mantissa.eq(top[:-1].shift_left(form.mantissa).shift_right(bits)),
    ]
    return found.as_value()


def scaled(m: Module, model: ExponentialSteps, power: Value, whole: Value, special: Value) -> Value:
    """Return x(power 2^whole), rounded once; ``special`` has a bit for each of NaN, 0, infinity."""
    x, y = model.operand, model.accumulator
    bits = data.View(layout(y), power)
    most = (1 << y.exponent) + (1 << model.integer_bits - 1)
    product = Signal(Real(y.mantissa + 1, range(-most, most)), name="product")
    m.d.comb += [
        product.significand.eq(Cat(bits.mantissa, 1)),
        product.exponent.eq(bits.exponent + whole + (x.bias - y.bias)),
    ]
    steps = [normalise("product", x), round_off("product", x, "rounded")]
    rounded = pipeline(m, steps, {"product": product}, [0] * 2)["rounded"]
    number = Mux(special[1], 0, Mux(special[2], x.infinity, rounded))
    return Mux(special[0], x.nan, number)
