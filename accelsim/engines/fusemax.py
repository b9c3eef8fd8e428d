"""A whole FuseMax machine: its parameters and its lags.

The lags are the ways through the pipelines, from the start of one task to the start of another. In
the 2D array a row works ``hop`` cycles after the one above it and a column one cycle after its left
neighbor; operands enter with that skew and instructions travel with them, so that it cancels. The
arrays are the engines :mod:`~accelsim.engines.array2d` and :mod:`~accelsim.engines.array1d`, whose
pipelines say how long a result takes to where it is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from accelsim.engines.array1d import Array1D
from accelsim.engines.array2d import Array2D, power_of_two
from accelsim.engines.engine import parameter
from accelsim.engines.machine import Machine
from accelsim.engines.number import BF16, FP32, Float
from accelsim.engines.pe1d import PE1D
from accelsim.engines.pe2d import PE2D
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
    digits: int = parameter(3, "bits of a lane's quotient a cycle", low=1, high=64)
    climb: int = parameter(4, "cycles of a running maximum up a column", low=1, high=1024)
    hop: int = parameter(1, "cycles from row to row", low=1, high=8)
    words: int = parameter(1, "words of a beat of the load and of the store port", low=1, high=64)
    latency: int = parameter(1, "cycles from a load's request to its data", low=1, high=1024)
    query_tiles: int = parameter(2, "query tiles of a strip at most", low=1, high=128)
    together: int = parameter(
        1, "query tiles whose exponentials are interleaved (g)", low=1, high=64
    )
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
            self.array, self.lanes  # noqa: B018 - they must be what such an array can be
        except SpecError as refused:
            raise self.fault(refused.faults[0].message.partition(": ")[2]) from None
        if self.query_tiles % self.together:
            raise self.fault(
                f"together must divide query_tiles, {self.query_tiles}, not be {self.together}"
            )
        if self.together > self.ahead + 1:
            raise self.fault(
                f"together must be at most the {self.ahead + 1} scores of an element (ahead + 1),"
                f" not {self.together}"
            )
        for name in ("head", "value"):
            beats = getattr(self, name) // self.words
            # The last row reads its tile's last word while the next tile's first beats come in.
            if self.latency + self.rows * beats <= self.hop * (self.rows - 1):
                raise self.fault(
                    "a new tile must not reach the last row before the old one has left it:"
                    f" hop must be less than {self.hop} or latency more than {self.latency}"
                )

    @property
    def rings(self) -> int:
        """Scalars that may wait between the arrays: those of the tiles in flight."""
        return power_of_two(max(self.ahead, self.behind) + 2)

    @cached_property
    def array(self) -> Array2D:
        """The 2D array; with an instruction travels where its column's result goes."""
        return Array2D(
            operand=self.operand,
            accumulator=self.accumulator,
            stages=self.stages,
            scores=self.ahead + 1,
            tag=self.lane.tag,
            rows=self.rows,
            cols=self.cols,
            hop=self.hop,
            climb=self.climb,
            head=self.head,
            value=self.value,
            words=self.words,
            query_slots=2 * self.query_tiles,
            key_slots=self.key_depth,
            value_slots=self.value_depth,
            rings=self.rings,
        )

    @property
    def element(self) -> PE2D:
        return self.array.column.element

    @cached_property
    def lanes(self) -> Array1D:
        return Array1D(
            operand=self.operand,
            accumulator=self.accumulator,
            stages=self.lane_stages,
            digits=self.digits,
            tiles=self.query_tiles,
            value=self.value,
            rings=self.rings,
            vectors=power_of_two(self.product_depth),
            lanes=self.cols,
        )

    @property
    def lane(self) -> PE1D:
        return self.lanes.lane

    @property
    def down(self) -> int:
        """From the start of a sum or maximum over a column to that of the lane that takes it."""
        return self.array.column.drain + 1

    @property
    def up(self) -> int:
        """From the start of RM, which takes a cycle, to that of the exponentials in the array."""
        return self.climb + 2

    @property
    def cycles(self) -> Mapping[str, int]:
        """Cycles of the Einsums whose operations wait for one another, ``together`` tiles at once."""
        wide, narrow = (x.exponentials(self.together) for x in (self.element, self.lane))
        return {"SLN": wide[0], "PRM": narrow[0]}

    @property
    def lags(self) -> Mapping[tuple[str, str], int]:
        """Cycles from the start of one Einsum's tile to that of another that reads it."""
        s1 = self.lane_stages
        wide, narrow = (x.exponentials(self.together)[1] for x in (self.element, self.lane))
        unchained = 0 if self.chain else self.value - 1
        return {
            ("QK", "LM"): self.head,
            ("QK", "SLN"): self.head + self.stages,
            ("RM", "SLN"): self.up,
            ("SLN", "SLD"): wide,
            ("SLN", "SLNV"): wide,
            ("LM", "RM"): self.down,
            ("SLD", "RD"): self.down,
            ("SLNV", "RNV"): self.down + unchained,
            ("RM", "RM"): 1,
            ("RM", "PRM"): 1,
            ("PRM", "SPD"): narrow,
            ("PRM", "SPNV"): narrow,
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
        return {"AV": self.cols + self.lane.divider.latency - 1}
