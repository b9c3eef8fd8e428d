"""What a sequencer counts: the next active instance of a task, and the tokens that have come."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from accelsim.rtl.skeleton import COUNT_BITS, DIGIT_BITS, TaskShape


class Walker(wiring.Component):
    """The next active instance of a task; ``step`` goes on to the one after it.

    ``digit`` and ``need`` lie side by side, loop by loop and wait by wait; ``registers`` are the
    numbers of the run, in the order of ``Skeleton.registers``, ``lasts`` the last digits of its loops.
    ``following`` is the slot after a step, while ``go`` is up the first.
    """

    def __init__(
        self,
        shape: TaskShape,
        levels: int,
        count_bits: int = COUNT_BITS,
        digit_bits: int = DIGIT_BITS,
    ) -> None:
        self.shape, self.levels = shape, levels
        self.count_bits, self.digit_bits = count_bits, digit_bits
        self.walked = shape.walked(levels)
        waits = len(shape.waits)
        width = 2 + len(self.walked) + sum(len(w.planes) for w in shape.waits)
        width += (2 + len(self.walked)) * waits
        super().__init__(
            {
                "go": In(1),
                "step": In(1),
                "lasts": In(count_bits * levels),
                "registers": In(count_bits * width),
                "slot": Out(count_bits),
                "following": Out(count_bits),
                "digits": Out(digit_bits * levels),
                "needs": Out(max(1, count_bits * waits)),
                "active": Out(max(1, waits)),
                "first": Out(levels),
                "last": Out(levels),
                "done": Out(1, init=1),  # until ``go`` there is nothing to do
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        count_bits, digit_bits = self.count_bits, self.digit_bits
        shape, walked = self.shape, self.walked
        words = iter(
            self.registers[n : n + count_bits] for n in range(0, len(self.registers), count_bits)
        )
        walks = next(words)
        follow = [("slot", next(words), [next(words) for _ in walked])]
        on, planes = [], []
        for number, wait in enumerate(shape.waits):
            on.append(next(words)[0])
            follow.append((f"need_{number}", next(words), [next(words) for _ in walked]))
            planes.append([next(words) for _ in wait.planes])
        digits = [Signal(digit_bits, name=f"digit_{n}") for n in range(self.levels)]
        at_first, at_last = [], []
        for level in range(self.levels):
            most = self.lasts[count_bits * level :][:digit_bits]
            if level in shape.last:
                m.d.comb += digits[level].eq(most)
            at_first.append(digits[level] == 0)
            at_last.append(digits[level] == most)
        steps: list[Any] = []  # one hot: which loop steps
        inner: Any = 1
        for level in reversed(walked):
            over = at_last[level] | ~walks[level]
            steps.insert(0, inner & ~over)
            inner = inner & over
        held = []
        for name, start, deltas in follow:
            value = Signal(signed(count_bits), name=name)
            held.append(value)
            delta: Any = 0
            for step, change in zip(steps, deltas, strict=True):
                delta = delta | Mux(step, change, 0)
            after = Signal(signed(count_bits), name=f"{name}_after")
            m.d.comb += after.eq(value + delta)
            with m.If(self.go):
                m.d.sync += value.eq(start)
            with m.Elif(self.step):
                m.d.sync += value.eq(after)
            if name == "slot":
                m.d.comb += self.following.eq(Mux(self.go, start, after))
        with m.If(self.go):
            m.d.sync += [self.done.eq(0), *(digits[level].eq(0) for level in walked)]
        with m.Elif(self.step):
            m.d.sync += self.done.eq(inner)
            for place, level in enumerate(walked):
                with m.If(steps[place]):
                    m.d.sync += digits[level].eq(digits[level] + 1)
                    m.d.sync += [digits[n].eq(0) for n in walked[place + 1 :]]
        m.d.comb += [
            self.slot.eq(held[0]),
            self.digits.eq(Cat(*digits)),
            self.first.eq(Cat(*at_first)),
            self.last.eq(Cat(*at_last)),
        ]
        if shape.waits:
            m.d.comb += self.needs.eq(Cat(*(value.as_unsigned() for value in held[1:])))
        for number, wait in enumerate(shape.waits):
            holds: Any = on[number]
            for plane, constant in zip(wait.planes, planes[number], strict=True):
                digit = digits[plane.level]
                sum_ = (
                    digit + constant.as_signed() if plane.sign > 0 else constant.as_signed() - digit
                )
                holds = holds & (sum_ >= 0)
            m.d.comb += self.active[number].eq(holds)
        return m


class Tokens(wiring.Component):
    """Counts pulses from the start of a run; ``previous`` is the count of the cycle before."""

    def __init__(self, count_bits: int = COUNT_BITS) -> None:
        super().__init__(
            {
                "go": In(1),
                "pulse": In(1),
                "count": Out(count_bits),
                "previous": Out(count_bits),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.sync += self.previous.eq(self.count)
        with m.If(self.go):
            m.d.sync += self.count.eq(0)
        with m.Else():
            m.d.sync += self.count.eq(self.count + self.pulse)
        return m
