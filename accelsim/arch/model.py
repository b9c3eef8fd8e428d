"""The architecture: memories, arrays, links, clock and costs, as read from YAML."""

from __future__ import annotations

from fractions import Fraction
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field, model_validator

from accelsim.arch.expansion import Expansion
from accelsim.arch.streaming import Channels, Fetcher, Pipeline, Roofline, Select
from accelsim.specs import Spec
from accelsim.specs.fields import Bandwidth, Duration, Frequency, Size

Positive = Annotated[int, Field(gt=0)]
Share = Annotated[float, Field(gt=0, le=1)]


class Dram(Spec):
    """Off-chip memory: one bus of ``bandwidth * efficiency``, with a ``latency`` to each transfer's use."""

    kind: Literal["dram"]
    bandwidth: Bandwidth
    efficiency: Share = 1.0
    latency: Duration = Fraction(0)


class Buffer(Spec):
    """On-chip memory read and written in rows of ``row`` bytes; ``ports`` rows a cycle, or unlimited."""

    kind: Literal["buffer"]
    size: Size
    row: Size = 64
    ports: Positive | None = None


class Array(Spec):
    """An array of processing elements: ``rows`` x ``cols``, or ``lanes``.

    ``ops`` gives the issue slots of each operation on one element; what is not listed is
    expanded into what is, or refused. ``registers`` are words of its register file.
    """

    kind: Literal["array"]
    rows: Positive | None = None
    cols: Positive | None = None
    lanes: Positive | None = None
    registers: Positive = 1
    ops: dict[str, Positive]

    @model_validator(mode="after")
    def _has_dimensions(self) -> Array:
        if (self.rows is None) != (self.cols is None) or (self.rows is None) == (
            self.lanes is None
        ):
            raise ValueError("array must have rows and cols, or lanes")
        return self

    @cached_property
    def dimensions(self) -> dict[str, int]:
        """Return the spatial dimensions by name, e.g. ``{"rows": 256, "cols": 256}``."""
        sizes = {"rows": self.rows, "cols": self.cols, "lanes": self.lanes}
        return {name: size for name, size in sizes.items() if size is not None}

    @cached_property
    def elements(self) -> int:
        count = 1
        for size in self.dimensions.values():
            count *= size
        return count


Component = Annotated[
    Dram | Buffer | Array | Channels | Fetcher | Pipeline | Roofline | Select,
    Field(discriminator="kind"),
]


class LinkTiming(Spec):
    """Cycles that a value takes down (first to second name) and up (back); a name is a dimension.

    ``chain``: the receiver may use a vector element by element as it arrives.
    """

    down: int | str = 0
    up: int | str = 0
    chain: bool = False


class EngineSpec(Spec):
    """The machine in RTL that the arrays are: its pipelines give lags, slots and latencies.

    They are those of the Einsums of ``cascade``; others go by links. ``set`` are the machine's
    parameters: numbers, true or false, words, or expressions over the architecture
    (``PE2D.rows``, ``DRAM.latency`` in cycles, ``DRAM.words`` of a cycle), the sizes, and the mapping
    (``stage.X`` of an Einsum, ``depth.X`` of a tensor). It is built for the ``workload`` unless another
    is asked for.
    """

    name: str
    cascade: str | list[str]
    workload: str = ""
    set: dict[str, bool | int | str] = {}


class ArchSpec(Spec):
    """The file ``arch_specs/NAME/arch.yaml``.

    ``mappings`` names an architecture whose mappings this one shares where it has none of its own;
    ``scale`` says whether a constant factor that folds into a loaded operand costs a multiply a word.
    ``expansions`` say how this machine does operations that an array lacks, instead of the standard rows.
    """

    name: str
    summary: str = ""
    source: str
    clock: Frequency
    word: Size
    components: dict[str, Component]
    links: list[str | dict[str, LinkTiming]] = []
    costs: str
    mappings: str = ""
    scale: Literal["charged", "free"] = "charged"
    expansions: list[Expansion] = []
    engine: EngineSpec | None = None
    assumptions: list[str] = []
