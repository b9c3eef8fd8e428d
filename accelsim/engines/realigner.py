"""Realigner: packs ragged rows into full ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from accelsim.engines.engine import Model, Port, parameter
from accelsim.engines.pipeline import Pipeline
from accelsim.engines.rows import row_port


@dataclass(frozen=True, kw_only=True)
class Realigner(Pipeline):
    """Takes rows of 0 to ``lanes`` values and gives full rows; the last of a list may be short.

    One row a cycle at any density. Only the end of a list can cost one more cycle: when what is
    left of it does not fit into the row that its last input fills. A list without values gives
    one row of none. Lanes past ``count`` are ignored on the way in and 0 on the way out.
    """

    name: ClassVar[str] = "realigner"

    lanes: int = parameter(16, "values of a row", low=1, high=256)
    width: int = parameter(12, "bits of a value", low=1, high=256)

    @property
    def ports(self) -> tuple[Port, ...]:
        return (
            row_port("i", "in", self.lanes, self.width, last=True),
            row_port("o", "out", self.lanes, self.width, last=True),
        )

    @property
    def latency(self) -> int:
        return 1

    def model(self) -> Model:
        return _Model(self)


class _Model:
    def __init__(self, engine: Realigner) -> None:
        self._engine = engine
        self._into, self._out = engine.ports
        self._rest: list[int] = []
        self._flush = False
        self._shown: int | None = None

    def step(
        self, offered: Mapping[str, int | None], ready: Mapping[str, bool]
    ) -> tuple[frozenset[str], Mapping[str, int]]:
        shown = self._shown
        gives = {} if shown is None else {"o": shown}
        if shown is not None and not ready["o"]:
            return frozenset(), gives
        self._shown = None
        if self._flush:
            self._give(last=True)
            self._flush = False
            return frozenset(), gives
        given = offered["i"]
        if given is not None:
            self._take(self._into.unpack(given))
        return frozenset({"i"}), gives

    def _take(self, row: dict[str, int]) -> None:
        lanes = self._engine.lanes
        self._rest += [row[f"lane_{n}"] for n in range(min(row["count"], lanes))]
        if len(self._rest) > lanes and row["last"]:
            self._flush = True
            self._give(last=False)
        elif len(self._rest) >= lanes or row["last"]:
            self._give(last=bool(row["last"]))

    def _give(self, *, last: bool) -> None:
        lanes = self._engine.lanes
        row, self._rest = self._rest[:lanes], self._rest[lanes:]
        full = [*row, *[0] * (lanes - len(row))]
        values = {f"lane_{n}": value for n, value in enumerate(full)}
        self._shown = self._out.pack(count=len(row), last=int(last), **values)
