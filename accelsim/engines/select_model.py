"""The cycle model of a top-k engine: one request at a time, four phases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from accelsim.engines.select import RowOut, Select, Selection

Phase = Literal["idle", "fill", "select", "drain"]


class SelectModel:
    """Idle, fill, select, drain; the time of ``select`` is what the engine's algorithm says."""

    def __init__(self, engine: Select) -> None:
        self._engine = engine
        self._phase: Phase = "idle"
        self._n = self._k = 0
        self._values: list[int] = []
        self._timer = self._busy = 0
        self._drain: _Drain | None = None

    @property
    def phase(self) -> Phase:
        """What the cycle that comes next is for."""
        return self._phase

    @property
    def shown(self) -> int | None:
        """The row of indices on the port ``o``, None without."""
        return self._drain.shown if self._phase == "drain" and self._drain else None

    def step(
        self, offered: Mapping[str, int | None], ready: Mapping[str, bool]
    ) -> tuple[frozenset[str], Mapping[str, int]]:
        takes: frozenset[str] = frozenset()
        gives: Mapping[str, int] = {}
        match self._phase:
            case "idle":
                takes = frozenset({"request"})
                if offered["request"] is not None:
                    self._start(offered["request"])
            case "fill":
                if self._busy:
                    self._busy -= 1
                else:
                    takes = frozenset({"i"})
                    if offered["i"] is not None:
                        self._take(offered["i"])
            case "select":
                self._timer -= 1
                if self._timer == 0:
                    self._phase = "drain"
            case "drain":
                assert self._drain is not None
                gives = self._drain.step(ready)
                if self._drain.is_done:
                    self._phase = "idle"
        return takes, gives

    def _start(self, request: int) -> None:
        asked = self._engine.port("request").unpack(request)
        self._n = min(asked["n"], self._engine.elements)
        self._k = asked["k"]
        self._values = []
        self._phase = "fill"
        if self._n == 0:
            self._select()

    def _take(self, row: int) -> None:
        lanes = list(self._engine.port("i").unpack(row).values())
        self._values += lanes[: self._n - len(self._values)]
        if len(self._values) == self._n:
            self._select()
        elif self._k:
            self._busy = self._engine.busy(self._values, min(self._k, self._n))

    def _select(self) -> None:
        found = self._engine.chosen(self._values, self._k)
        self._timer = found.cycles
        self._phase = "select" if self._timer else "drain"
        self._drain = _Drain(self._engine, self._values, self._k, found)


class _Drain:
    """The way out: rows of kept indices, and the result beside them."""

    def __init__(self, engine: Select, values: list[int], k: int, found: Selection) -> None:
        self._result: int | None = engine.port("result").pack(
            threshold=found.threshold, ties=found.ties, passes=len(found.passes)
        )
        rows = engine.rows_out(engine.kept(values, k), len(values))
        self._loads = {at: _packed(engine, row) for at, row in rows.items()}
        self._advances = 0
        self.shown: int | None = None
        self._is_last = False

    @property
    def is_done(self) -> bool:
        return self._result is None and self._is_last and self.shown is None

    def step(self, ready: Mapping[str, bool]) -> Mapping[str, int]:
        gives = {}
        if self._result is not None:
            gives["result"] = self._result
            if ready["result"]:
                self._result = None
        if self.shown is not None:
            gives["o"] = self.shown
        if self.shown is None or ready["o"]:
            self.shown = self._loads.pop(self._advances, None)
            self._advances += 1
            self._is_last = not self._loads
        return gives


def _packed(engine: Select, row: RowOut) -> int:
    indices = [*row.indices, *[0] * (engine.lanes - len(row.indices))]
    values = {f"lane_{i}": v for i, v in enumerate(indices)}
    return engine.port("o").pack(count=len(row.indices), last=int(row.last), **values)
