"""One floating-point operation in a pipeline that stands still while its result is not taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from amaranth.hdl import Module

from accelsim.engines.number import Float
from accelsim.rtl import number
from accelsim.rtl.block import Block
from accelsim.rtl.number_steps import Step

STEPS: Mapping[str, Callable[[Float], list[Step]]] = {
    "add": number.add,
    "maximum": number.maximum,
    "multiply": number.multiply,
}


class Arithmetic(Block):
    """Twin of :class:`accelsim.engines.arithmetic.Arithmetic`; its last register holds the result."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        engine = self.engine
        steps = STEPS[engine.operation](engine.form)
        moves = ~self.o.valid | self.o.ready
        operands = self.i.payload
        done = number.pipeline(
            m,
            steps,
            {"a": operands.a, "b": operands.b, "valid": self.i.valid},
            [*number.spread(len(steps), engine.stages - 1)[:-1], self._last(len(steps))],
            enable=moves,
        )
        m.d.comb += [
            self.i.ready.eq(moves),
            self.o.valid.eq(done["valid"]),
            self.o.payload.eq(done["result"]),
        ]
        return m

    def _last(self, steps: int) -> int:
        """One register behind the last step, and all of them if there is but one step."""
        return self.engine.stages if steps < 2 else 1
