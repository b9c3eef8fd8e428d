"""A whole FuseMax machine: its parameters and its lags.

The lags are the ways through the pipelines, from the start of one task to the start of another. In
the 2D array a row works ``hop`` cycles after the one above it and a column one cycle after its left
neighbor; operands enter with that skew and instructions travel with them, so that it cancels. A MAC
of ``stages`` has its multiplier in all stages but the last and adds in the last one, in one cycle:
products accumulate one a cycle, and a dependent multiplication waits for ``stages`` cycles.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from accelsim.engines.engine import parameter
from accelsim.engines.exponential_steps import ExponentialSteps, latency, occupancy
from accelsim.engines.machine import Machine
from accelsim.engines.number import BF16, FP32, Float
from accelsim.errors import SpecError


@dataclass(frozen=True, kw_only=True)
class FuseMax(Machine):
    """A whole FuseMax: R x C array of MACs, C lanes under it, buffers, a load and a store port.

    An architecture gives its parameters, and a mapping its order: it runs what they say together.
    Raises SpecError if a parameter is out of its bounds or the parameters do not go together.
    """

    name: ClassVar[str] = "fusemax"

    rows: int = parameter(4, "rows of the 2D array: keys of a tile", low=1, high=256)
    cols: int = parameter(
        4, "columns of the 2D array, and lanes: queries of a tile", low=1, high=256
    )
    head: int = parameter(4, "elements of a query and a key (E)", low=1, high=256)
    value: int = parameter(4, "elements of a value (F)", low=1, high=256)
    stages: int = parameter(1, "stages of a MAC of the 2D array", low=1, high=16)
    lane_stages: int = parameter(1, "stages of a MAC of a lane", low=1, high=16)
    divide: int = parameter(4, "stages of a lane's divider", low=1, high=64)
    climb: int = parameter(4, "cycles of a running maximum up a column", low=1, high=1024)
    hop: int = parameter(1, "cycles from row to row", low=1, high=8)
    words: int = parameter(1, "words of a beat of the load and of the store port", low=1, high=64)
    latency: int = parameter(1, "cycles from a load's request to its data", low=1, high=1024)
    query_tiles: int = parameter(2, "query tiles of a strip at most", low=1, high=128)
    ahead: int = parameter(
        0, "tiles that scores run ahead of their exponentials (k)", low=0, high=15
    )
    behind: int = parameter(0, "tiles that the lanes run behind RM (r)", low=0, high=15)
    chain: bool = parameter(True, "RNV takes SLNV element by element as it drains")
    key_depth: int = parameter(2, "key tiles in the buffer", low=1, high=16)
    value_depth: int = parameter(2, "value tiles in the buffer", low=1, high=16)
    product_depth: int = parameter(2, "SLNV tiles between the arrays", low=1, high=16)
    operand: Float = parameter(BF16, "format of operands")
    accumulator: Float = parameter(FP32, "format of sums")

    def check(self) -> None:
        try:
            ExponentialSteps(self.operand, self.accumulator)
        except SpecError as refused:
            raise self.fault(refused.faults[0].message) from None
        for name in ("head", "value"):
            if self.words & (self.words - 1):
                raise self.fault(f"words must be a power of two, not {self.words}")
            if getattr(self, name) % self.words:
                raise self.fault(
                    f"words must divide {name}, {getattr(self, name)}, not be {self.words}"
                )
            beats = getattr(self, name) // self.words
            # The last row reads its tile's last word while the next tile's first beats come in.
            if self.latency + self.rows * beats <= self.hop * (self.rows - 1):
                raise self.fault(
                    "a new tile must not reach the last row before the old one has left it:"
                    f" hop must be less than {self.hop} or latency more than {self.latency}"
                )

    @property
    def down(self) -> int:
        """From the start of a sum or maximum over a column to that of the lane that takes it."""
        return self.hop * (self.rows - 1) + self.stages + 1

    @property
    def up(self) -> int:
        """From the start of RM to that of the exponentials in the array."""
        return self.lane_stages + self.climb + 1

    @property
    def slots(self) -> Mapping[str, int]:
        """Cycles of a tile of the Einsums whose operations wait for one another."""
        return {"SLN": occupancy(self.stages), "PRM": occupancy(self.lane_stages)}

    @property
    def lags(self) -> Mapping[tuple[str, str], int]:
        """Cycles from the start of one Einsum's tile to that of another that reads it."""
        s, s1 = self.stages, self.lane_stages
        unchained = 0 if self.chain else self.value - 1
        return {
            ("QK", "LM"): self.head,
            ("QK", "SLN"): self.head,
            ("RM", "SLN"): self.up,
            ("SLN", "SLD"): latency(s),
            ("SLN", "SLNV"): latency(s),
            ("LM", "RM"): self.down,
            ("SLD", "RD"): self.down,
            ("SLNV", "RNV"): self.down + unchained,
            ("RM", "RM"): s1,
            ("RM", "PRM"): s1,
            ("PRM", "SPD"): latency(s1),
            ("PRM", "SPNV"): latency(s1),
            ("SPD", "RD"): s1,
            ("RD", "SPD"): s1,
            ("SPNV", "RNV"): s1,
            ("RNV", "SPNV"): s1,
            ("RNV", "AV"): s1,
            ("RD", "AV"): s1,
        }

    @property
    def latencies(self) -> Mapping[str, int]:
        """From the end of AV to the start of its store: the divider, and the skew of the last lane."""
        return {"AV": self.cols + self.divide - 1}
