"""Zero eliminator: closes the gaps in a row of lanes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from accelsim.engines.engine import Model, Port, parameter
from accelsim.engines.pipeline import Elastic, Pipeline
from accelsim.engines.rows import keep_port, row_port


@dataclass(frozen=True, kw_only=True)
class ZeroEliminator(Pipeline):
    """Moves the kept lanes of a row to its front, in order; the rest of the row is 0.

    A lane moves down by the number of dropped lanes before it: a prefix sum, then one layer of
    multiplexers per bit of it. A register after each; one row a cycle. Source: SpAtten (HPCA
    2021), section IV-D.
    """

    name: ClassVar[str] = "zero_eliminator"

    lanes: int = parameter(16, "values of a row", low=1, high=256)
    width: int = parameter(12, "bits of a value", low=1, high=256)

    @property
    def ports(self) -> tuple[Port, ...]:
        return (
            keep_port("i", "in", self.lanes, self.width),
            row_port("o", "out", self.lanes, self.width),
        )

    @property
    def latency(self) -> int:
        return 2

    def pack(self, row: int) -> int:
        """Return the result of one row, both as bits of the ports."""
        given = self.port("i").unpack(row)
        keep = given["keep"]
        kept = [given[f"lane_{n}"] for n in range(self.lanes) if keep >> n & 1]
        full = [*kept, *[0] * (self.lanes - len(kept))]
        lanes = {f"lane_{n}": value for n, value in enumerate(full)}
        return self.port("o").pack(count=len(kept), **lanes)

    def model(self) -> Model:
        return Elastic(self.latency, self.pack)
