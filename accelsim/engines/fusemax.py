"""A whole FuseMax machine: its parameters, its lags, and itself as an architecture and a mapping.

The lags are the ways through the pipelines, from the start of one task to the start of another. In
the 2D array a row works ``hop`` cycles after the one above it and a column one cycle after its left
neighbor; operands enter with that skew and instructions travel with them, so that it cancels. A MAC
of ``stages`` has its multiplier in all stages but the last and adds in the last one, in one cycle:
products accumulate one a cycle, and a dependent multiplication waits for ``stages`` cycles.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from accelsim.engines.engine import parameter
from accelsim.engines.exponential_steps import ExponentialSteps, latency, occupancy
from accelsim.engines.number import BF16, FP32, Float
from accelsim.engines.parameters import Parametric
from accelsim.errors import SpecError

SOURCE = "the pipelines of the machine"


@dataclass(frozen=True, kw_only=True)
class FuseMax(Parametric):
    """A whole FuseMax: R x C array of MACs, C lanes under it, buffers, a load and a store port.

    Sizes are those that the machine is built for; a run may have fewer loops and ragged last tiles.
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
    heads: int = parameter(1, "heads at most", low=1, high=255)
    strips: int = parameter(1, "strips of query tiles of a head at most", low=1, high=255)
    query_tiles: int = parameter(2, "query tiles of a strip at most", low=1, high=128)
    key_tiles: int = parameter(4, "key tiles at most", low=1, high=255)
    keys_innermost: bool = parameter(False, "loop order: key tiles in query tiles")
    ahead: int = parameter(
        0, "tiles that scores run ahead of their exponentials (k)", low=0, high=15
    )
    behind: int = parameter(0, "tiles that RD and RNV run behind RM (r)", low=0, high=15)
    serial: bool = parameter(False, "one tile at a time, in the order of the serial binding")
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
        if self.serial and (self.ahead or self.behind):
            raise self.fault("a serial machine must have ahead and behind 0")

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
    def store_latency(self) -> int:
        """From the end of AV to the start of its store: the divider, and the skew of the last lane."""
        return self.cols + self.divide - 1

    @property
    def loops(self) -> tuple[str, ...]:
        return ("h", "p2", *(("p1", "m1") if self.keys_innermost else ("m1", "p1")))

    def architecture(self) -> dict[str, Any]:
        """Return the data of an architecture file for this machine, at 1 GHz."""
        word = -(-self.operand.width // 8)
        words = self.query_tiles * self.cols * (2 * self.head + 2 * self.value + 2)
        words += self.rows * (self.key_depth * self.head + self.value_depth * self.value)
        between = self.product_depth * self.cols * self.value
        once = {"mac": 1, "max": 1, "add": 1, "exp": 6}
        return {
            "name": "fusemax_rtl",
            "source": SOURCE,
            "clock": "1 GHz",
            "word": f"{word} B",
            "components": {
                "DRAM": {
                    "kind": "dram",
                    "bandwidth": f"{self.words * word} GB/s",
                    "latency": f"{self.latency} ns",
                },
                "GLB": {"kind": "buffer", "size": f"{words * word} B", "row": f"{word} B"},
                "SBUF": {"kind": "buffer", "size": f"{between * word} B", "row": f"{word} B"},
                "PE2D": {"kind": "array", "rows": self.rows, "cols": self.cols, "ops": once},
                "PE1D": {"kind": "array", "lanes": self.cols, "ops": once | {"div": 1}},
            },
            "links": ["DRAM - GLB", "GLB - PE2D", "GLB - PE1D", "PE2D - PE1D", "SBUF - PE1D"],
            "costs": "fusemax_45nm",
        }

    def mapping(self, query_tiles: int | None = None) -> dict[str, Any]:
        """Return the data of the mapping that the machine's sequencers are made from."""
        inner = self.loops[-1]
        return {
            "cascade": "attention_1pass",
            "source": SOURCE,
            "partition": {"P": ["P2", "P1", "P0"]},
            "sizes": {"P0": "PE2D.cols", "M0": "PE2D.rows", "P1": query_tiles or self.query_tiles},
            "hold": {
                "GLB": {"Q": "p2", "K": "m1", "V": "m1", "AV": "p2"}
                | dict.fromkeys(("RM", "RD", "RNV"), "p2"),
                "SBUF": {"SLNV": inner},
            },
            "depth": {"Q": 2, "K": self.key_depth, "V": self.value_depth}
            | {"SLNV": self.product_depth},
            "blocks": [{"loops": list(self.loops), "bind": self._binds()}],
        }

    def _binds(self) -> list[dict[str, Any]]:
        k, r = self.ahead, self.behind
        late = [self._bind("RD", r), self._bind("RNV", r, "f")]
        before = r - 1 if self.keys_innermost and k and r else 0
        old = [self._bind("SPD", before), self._bind("SPNV", before, "f")]
        if self.serial:
            rest = [*old, late[1], late[0]]
        else:
            rest = late + old if self.keys_innermost and k and r else old + late
        binds = [
            self._bind("QK", 0, "e"),
            self._bind("LM", 0),
            self._bind("SLN", k),
            self._bind("SLD", k),
            self._bind("SLNV", k, "f"),
            self._bind("RM", 0),
            self._bind("PRM", 0),
            *rest,
            self._bind("AV", r, "f") | {"latency": self.store_latency},
        ]
        if self.serial:
            after: dict[str, dict[str, int]] = {
                "QK": {"RNV": 1},
                "SLNV": {"SPD": 0},
                "SPNV": {"SLD": 0},
            }
            for bind in binds:
                if bind["einsum"] in after:
                    bind["after"] = after[bind["einsum"]]
        return binds

    def _bind(self, einsum: str, stage: int, time: str = "") -> dict[str, Any]:
        wide = einsum in ("QK", "LM", "SLN", "SLD", "SLNV")
        found: dict[str, Any] = {
            "einsum": einsum,
            "unit": "PE2D" if wide else "PE1D",
            "space": {"rows": "m0", "cols": "p0"} if wide else {"lanes": "p0"},
            "stage": stage,
            "source": SOURCE,
            "lags": {maker: lag for (maker, to), lag in self.lags.items() if to == einsum},
        }
        if time:
            found["time"] = [time]
        if einsum in self.slots:
            found["slots"] = self.slots[einsum]
        return found
