"""The running maxima of a lane (RM), and the pairs of them that PRM = exp(old - new) rescales by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from accelsim.engines.element import bits, holds_a_place, powers_of_two
from accelsim.engines.engine import Engine, Port, parameter
from accelsim.engines.number import BF16, FP32, Float


@dataclass(frozen=True, kw_only=True)
class RunningMax(Engine):
    """Running maxima of ``tiles`` queries: takes local ones, gives the greater, keeps old and new.

    A column's maximum (LM) comes at ``maximum`` and waits, rounded to ``operand``, in the ring under its
    tag. An instruction at ``i`` does ``update``: the greater of its tile's running maximum and the local
    one under its tag (RM) is kept, and leaves at ``climb`` two cycles later; or ``rescale``: what the
    running maximum was before and after the update under its tag leaves at ``pair`` a cycle later, for
    an exponential (PRM). Of a ``fresh`` query nothing old is used: its maximum was -inf.
    """

    name: ClassVar[str] = "running_max"

    operand: Float = parameter(BF16, "format of running maxima")
    accumulator: Float = parameter(FP32, "format of local maxima")
    tiles: int = parameter(2, "queries", low=1, high=128)
    rings: int = parameter(4, "maxima that wait, a power of two", low=1, high=64)
    tag: int = parameter(2, "bits of a tag", low=1, high=32)

    def check(self) -> None:
        powers_of_two(self, "rings")
        holds_a_place(self, self.tag, self.rings)

    @property
    def ports(self) -> tuple[Port, ...]:
        x, y, tag = self.operand.width, self.accumulator.width, ("tag", self.tag)
        what = (("update", 1), ("rescale", 1), ("fresh", 1))
        rigid = {"always_ready": True}
        return (
            Port("i", "in", (*what, ("tile", bits(self.tiles)), tag), **rigid),
            Port("maximum", "in", (("value", y), tag), **rigid),
            Port("climb", "out", (("value", x), tag), **rigid),
            Port("pair", "out", (("old", x), ("new", x)), **rigid),
        )

    @property
    def latency(self) -> int:
        return 2

    @property
    def interval(self) -> int:
        return 1

    @property
    def lags(self) -> Mapping[tuple[str, str], int]:
        return {("i", "climb"): 2, ("i", "pair"): 1}

    @property
    def actions(self) -> Mapping[str, int]:
        return {"max": 1}

    @property
    def attributes(self) -> Mapping[str, int]:
        return {"width_bits": self.operand.width}

    def payload(self, port: str, bits: int) -> int:
        """An instruction is for a query that there is."""
        if port != "i":
            return bits
        fields = self.port(port).unpack(bits)
        return self.port(port).pack(**fields | {"tile": fields["tile"] % self.tiles})

    def model(self) -> RunningMaxModel:
        return RunningMaxModel(self)


class RunningMaxModel:
    def __init__(self, engine: RunningMax) -> None:
        self._engine = engine
        self._came = 0
        self._climb: int | None = None
        self._running = [0] * engine.tiles
        self._local, self._old, self._new = ([0] * engine.rings for _ in range(3))

    def step(
        self, offered: Mapping[str, int | None], ready: Mapping[str, bool]
    ) -> tuple[frozenset[str], Mapping[str, int]]:
        del ready  # rigid
        engine = self._engine
        gives = {} if self._climb is None else {"climb": self._climb}
        now = engine.port("i").unpack(self._came)
        ring = now["tag"] % engine.rings
        if now["rescale"]:
            gives["pair"] = engine.port("pair").pack(old=self._old[ring], new=self._new[ring])
        self._climb = self._update(now, ring) if now["update"] else None
        self._came = offered["i"] or 0
        if (value := offered["maximum"]) is not None:
            fields = engine.port("maximum").unpack(value)
            local = engine.accumulator.convert(fields["value"], engine.operand)
            self._local[fields["tag"] % engine.rings] = local
        return frozenset({"i", "maximum"}), gives

    def reset(self) -> None:
        """Pass a cycle of reset: nothing is on its way any more, the maxima stay."""
        self.step({"i": None, "maximum": None}, {})
        self.clear()

    def clear(self) -> None:
        self._came, self._climb = 0, None

    def _update(self, now: Mapping[str, int], ring: int) -> int:
        x, tile = self._engine.operand, now["tile"]
        old = x.negate(x.infinity) if now["fresh"] else self._running[tile]
        new = x.maximum(old, self._local[ring])
        self._running[tile] = self._new[ring] = new
        self._old[ring] = old
        return self._engine.port("climb").pack(value=new, tag=now["tag"])
