"""Floating-point arithmetic as combinational logic, in steps between which registers may go.

Twin of :mod:`accelsim.engines.number`, which states the policy (rounding, subnormals, NaN). An
operation is a list of steps; a step takes the module and a dict of named values and returns the
dict with its results in place of its operands, everything else untouched: what travels with an
operation (a tag, a token) is one more entry of the dict. :func:`pipeline` strings them together.

    steps = fused(BF16, FP32)                        # {"a", "b", "c"} -> {"result"}
    out = pipeline(m, steps, {"a": a, "b": b, "c": c}, registers=[0, 1, 0])

The steps themselves are in :mod:`accelsim.rtl.number_steps`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data

from accelsim.engines.number import Float
from accelsim.errors import SpecError
from accelsim.rtl import number_steps as steps
from accelsim.rtl.number_steps import Fields, Step
from accelsim.rtl.number_sum import total


def pipeline(
    m: Module,
    steps: Sequence[Step],
    fields: Fields,
    registers: Sequence[int],
    *,
    enable: Any = None,
) -> Fields:
    """Do the steps in order, with ``registers[i]`` registers in a row after step i.

    The registers take a new value in cycles in which ``enable`` is high (always if it is None).
    """
    if len(registers) != len(steps) or min(registers, default=0) < 0:
        raise SpecError(
            f"a pipeline of {len(steps)} steps must be given as many numbers of registers, "
            f"none negative, not {list(registers)}"
        )
    for number, (step, count) in enumerate(zip(steps, registers, strict=True)):
        fields = step(m, fields)
        for copy in range(count):
            fields = register(m, fields, f"s{number}" + ("" if copy == 0 else f"_{copy}"), enable)
    return fields


def register(m: Module, fields: Fields, suffix: str, enable: Any = None) -> Fields:
    """Put a register into every value of the dict; only ``valid`` is cleared by a reset."""
    held: dict[str, Any] = {}
    for name, value in fields.items():
        shape = value.shape() if isinstance(value, data.View) else Value.cast(value).shape()
        held[name] = Signal(shape, name=f"{name}_{suffix}", reset_less=name != "valid")
        if enable is None:
            m.d.sync += held[name].eq(value)
        else:
            with m.If(enable):
                m.d.sync += held[name].eq(value)
    return held


def spread(steps: int, registers: int) -> list[int]:
    """Return numbers of registers after each of the steps but the last: even, later steps first."""
    if steps < 2:
        return [registers] * steps
    places = steps - 1
    return [(registers + place) // places for place in range(places)] + [0]


def multiply(form: Float, to: Float | None = None) -> list[Step]:
    """Multiply: a x b, rounded once to ``to`` (the same format if None): {"a", "b"} -> {"result"}."""
    to = to or form
    return [
        *product(form, to),
        steps.round_off("product", to, "result"),
    ]


def product(form: Float, to: Float) -> list[Step]:
    """The exact product, unpacked for addition in ``to``: {"a", "b"} -> {"product"}; three steps."""
    return [steps.unpack(form, "a", "b"), steps.product(form, to), steps.normalise("product", to)]


def accumulate(to: Float) -> list[Step]:
    """Add c + product (:func:`product`), rounded: {"product", "c"} -> {"result"}; two steps."""

    def addends(m: Module, fields: Fields) -> Fields:
        return total(to, "product", "c")(m, steps.unpack(to, "c")(m, fields))

    return [addends, steps.round_off("sum", to, "result")]


def fused(form: Float, accumulator: Float) -> list[Step]:
    """Multiply and add: a x b + c, rounded once; {"a", "b", "c"} -> {"result"}."""
    return [*product(form, accumulator), *accumulate(accumulator)]


def add(form: Float) -> list[Step]:
    """Add: a + b, rounded: {"a", "b"} -> {"result"}; three steps."""
    return [
        steps.unpack(form, "a", "b"),
        total(form, "a", "b"),
        steps.round_off("sum", form, "result"),
    ]


def convert(form: Float, to: Float) -> list[Step]:
    """The number in another format, rounded once: {"a"} -> {"result"}; three steps."""
    return [
        steps.unpack(form, "a", to=to),
        steps.normalise("a", to),
        steps.round_off("a", to, "result"),
    ]


def maximum(form: Float) -> list[Step]:
    """The greater of a and b (IEEE 754-2019 maximum): {"a", "b"} -> {"result"}; one step."""

    def step(m: Module, fields: Fields) -> Fields:
        a, b = (steps.flush(m, fields[name], form, name) for name in ("a", "b"))
        result = Signal(form.width, name="result")
        either = steps.is_nan(a, form) | steps.is_nan(b, form)
        greater = Mux(steps.below(a, b), b, a)
        m.d.comb += result.eq(Mux(either, form.nan, greater))
        return steps.replace(fields, ("a", "b"), result=result)

    return [step]


def compare(form: Float) -> list[Step]:
    """Less, equal, greater, or none of them with a NaN: {"a","b"} -> {"less","equal","greater"}."""

    def step(m: Module, fields: Fields) -> Fields:
        a, b = (steps.flush(m, fields[name], form, name) for name in ("a", "b"))
        less, equal, greater = (Signal(name=name) for name in ("less", "equal", "greater"))
        ordered = ~(steps.is_nan(a, form) | steps.is_nan(b, form))
        zeros = ~(a[:-1] | b[:-1]).any()
        m.d.comb += [
            equal.eq(ordered & ((a == b) | zeros)),
            less.eq(ordered & ~zeros & steps.below(a, b)),
            greater.eq(ordered & ~equal & ~less),
        ]
        return steps.replace(fields, ("a", "b"), less=less, equal=equal, greater=greater)

    return [step]


def negate(value: Any) -> Value:
    """Flip the sign bit, of a NaN too."""
    bits = Value.cast(value)
    return Cat(bits[:-1], ~bits[-1])
