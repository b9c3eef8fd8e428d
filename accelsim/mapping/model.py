"""The mapping file: partition, loops, what is held where, and the binding, as read from YAML."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from accelsim.specs import Spec

Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(gt=0)]
Stage = Annotated[int, Field(ge=0, le=1024)]  # deeper pipelines than any buffer could feed
Holds = dict[str, dict[str, str]]  # buffer -> tensor -> loop, or "stream"


class Bind(Spec):
    """One Einsum on one unit; its place in the list is its place in the unit's program order.

    A loop of the block that stands in ``time`` is taken at once: one task for all its iterations, in the
    last of them. ``stage`` delays it by iterations of the innermost loop, or ``{loop: n}`` of that loop.
    ``after: {X: n}`` starts it no earlier than the end of X of n tiles before, and the latency that X has
    been given. ``only_with: X`` leaves it out of the tiles in which X has no live point (its running state
    stays as it is there). ``latency`` (cycles, a number or an expression such as ``PE2D.rows``), ``slots``
    (issue slots a point) or ``cycles`` (of a whole task, where operations wait for one another, a number or
    an expression) override what the architecture gives, with a ``source``. ``lags: {X: n}`` starts it no
    earlier than n cycles after the start of X, whose result it reads: the way through the pipelines of
    both, in place of the link's.
    """

    einsum: str
    unit: str
    space: dict[str, str] = {}
    time: list[str] = []
    stage: Stage | dict[str, Stage] = 0
    after: dict[str, Count] = {}
    only_with: str = ""
    latency: Count | str | None = None
    slots: Positive | None = None
    cycles: Positive | str | None = None
    lags: dict[str, Positive | str] = {}
    source: str = ""

    @model_validator(mode="after")
    def _overrides_have_a_source(self) -> Bind:
        given = (self.latency, self.slots, self.cycles, self.lags or None)
        if any(each is not None for each in given) and not self.source:
            raise ValueError(
                "a bind that overrides latency, slots, cycles or lags must have a source"
            )
        if self.slots is not None and self.cycles is not None:
            raise ValueError("a bind must override slots or cycles, not both")
        return self


class Placement(Spec):
    """What is held in a buffer, how many copies are kept and how many are paid for.

    ``depth`` and ``charge`` count copies of a tile; tensors that ``share`` a buffer use it one after
    another; those in ``spill`` keep on chip what fits and move the rest.
    """

    hold: Holds = {}
    depth: dict[str, Positive] = {}
    charge: dict[str, Count] = {}
    share: list[list[str]] = []
    spill: list[str] = []


class Block(Placement):
    """A loop nest with its bindings; ``stage`` delays the block by iterations of the outer loops."""

    loops: list[str]
    partition: dict[str, list[str]] = {}
    sizes: dict[str, int | str] = {}
    stage: Stage = 0
    bind: Annotated[list[Bind], Field(min_length=1)]


class MappingSpec(Placement):
    """The file ``arch_specs/NAME/MAPPING.yaml``; it serves every cascade that it names.

    ``spill_share``: of the spilled tensors just the excess moves, (demand - size) / their bytes; or, as
    the published model has it, 1 - size / demand, which leaves too little room for the rest.
    """

    cascade: str | list[str]
    summary: str = ""
    source: str = ""
    outer: list[str] = []
    partition: dict[str, list[str]] = {}
    sizes: dict[str, int | str] = {}
    spill_share: Literal["excess", "published"] = "excess"
    blocks: Annotated[list[Block], Field(min_length=1)]
    assumptions: list[str] = []


class Alternative(Spec):
    """One of several mapping files of a design, allowed where ``when`` holds (over rank sizes).

    ``sizes``, ``hold`` and ``spill`` change what the file says. A ``fallback`` is tried only where none
    before it can run.
    """

    use: str
    when: str = "1"
    sizes: dict[str, int | str] = {}
    hold: Holds = {}
    spill: list[str] | None = None
    fallback: bool = False


class Variant(Spec):
    """The cascade that a design runs for a variant of attention, such as "causal"."""

    cascade: str


class DesignSpec(Spec):
    """The file ``arch_specs/NAME/design.yaml``; ``variants`` serve workloads that ask for them.

    A design has a mapping (loop nests), or a ``pipeline`` that runs rows (by default those of the schedule
    ``rows``).
    """

    name: str
    summary: str = ""
    arch: str
    cascade: str
    mapping: str | list[Alternative] = ""
    pipeline: str = ""
    rows: str = ""
    variants: dict[str, Variant] = {}
    objective: str = "cycles"
    costs: str | None = None
    baseline: str | None = None

    @model_validator(mode="after")
    def _has_one_way(self) -> DesignSpec:
        if bool(self.mapping) == bool(self.pipeline):
            raise ValueError("a design must have a mapping, or a pipeline")
        return self
