"""The pipeline file: what each unit does with a row, in what order, and what it waits for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from accelsim.arch import Architecture, Fetcher, Roofline, Select
from accelsim.arch import Pipeline as Unit
from accelsim.errors import Fault, SpecError, nearest
from accelsim.specs import Document, Spec, find, read, validate
from accelsim.specs.expr import Expression
from accelsim.specs.fields import Formula, Positive, Whole

# What an expression may say of a row, besides sizes of the architecture (``QK.lanes``).
ROW_NAMES = (
    "keys",
    "values",
    "tokens",
    "features",
    "queries",
    "key_bits",
    "value_bits",
    "query_bits",
    "extra_bits",
    "requantized",  # 1 if this query reads its keys again
    "accumulates",
    "selects",
    "first",  # 1 for the first query of its head
    "last",
    "unquantized_bits",
)


class Moves(Spec):
    """``vectors`` of the row's features in ``bits`` each, to or from the memory.

    ``places``: which of the tokens they are, "keys" or "values" of the row, or "" for the first ones.
    ``fused: {6: 2}`` says that vectors of 6 bits of two heads stand in memory side by side and are moved
    by the first one's task, for both.
    """

    tensor: str
    vectors: Formula
    bits: Formula
    places: Literal["keys", "values", ""] = ""
    fused: dict[int, Positive] = {}


class Selects(Spec):
    """The ``keep`` largest of ``among`` numbers; ``of`` says which: a row's weights, or the importance.

    With ``drain`` its consumer takes so many indices a cycle as they come out, which holds the others up;
    a ``stream`` then follows index by index. Without, they leave as fast as the engine gives them, and are
    there when the last one is.
    """

    among: Formula
    keep: Formula
    of: Literal["weights", "importance"]
    feed: Formula | None = None  # numbers that arrive in a cycle, if fewer than the engine takes
    drain: Formula | None = None


class Works(Spec):
    """The work of a whole layer on a processor: sums of ``macs`` and ``bytes`` over its queries."""

    macs: Formula
    bytes: Formula


class After(Spec):
    """What a task waits for: a ``stream`` follows element by element, ``whole`` begins at the end.

    ``rows``: of the same row (0), or of so many rows before; ``layer``: of the last row of the layer
    before. ``lag``: more cycles.
    """

    task: str
    how: Literal["stream", "whole"] = "whole"
    rows: Whole = 0
    of: Literal["row", "layer"] = "row"
    when: Formula = Field(default="1", validate_default=True)
    lag: Whole = 0


class TaskSpec(Spec):
    """One task of a row on one unit; its place in the file is its place in the unit's order.

    It ``loads``, ``stores``, ``selects``, works on ``elements``, or ``works`` on a layer at its last query;
    ``when`` it is not 0. Tasks of another ``queue`` of the unit keep their own order: of the queues' heads
    the first that is ready goes first (at a fetcher every task has its own). ``reads`` and ``writes`` are
    bytes at a buffer.
    """

    task: str
    unit: str
    loads: Moves | None = None
    stores: Moves | None = None
    selects: Selects | None = None
    works: Works | None = None
    elements: Formula | None = None
    when: Formula = Field(default="1", validate_default=True)
    queue: str = ""
    after: list[After] = []
    reads: dict[str, Formula] = {}
    writes: dict[str, Formula] = {}

    @model_validator(mode="after")
    def _does_one_thing(self) -> TaskSpec:
        given = [self.loads, self.stores, self.selects, self.works, self.elements]
        if sum(part is not None for part in given) != 1:
            raise ValueError("a task must have one of loads, stores, selects, works, elements")
        return self

    @property
    def moves(self) -> Moves | None:
        return self.loads or self.stores


class Holds(Spec):
    """``bytes`` of a buffer that a row holds from the start of ``begin`` to the end of all of ``until``.

    At most ``rows`` rows are held at a time.
    """

    buffer: str
    tensor: str
    begin: str
    until: Annotated[list[str], Field(min_length=1)]
    bytes: Formula
    rows: Positive = 16


class PipelineSpec(Spec):
    """The file ``arch_specs/NAME/pipeline.yaml``, or ``pipeline.VARIANT.yaml``.

    ``unquantized_bits`` is what an operand that a row does not quantize has in this machine.
    """

    pipeline: Annotated[list[TaskSpec], Field(min_length=1)]
    summary: str = ""
    source: str
    unquantized_bits: Positive
    holds: list[Holds] = []
    assumptions: list[str] = []


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """A checked pipeline; ``document`` says where each of its fields stands."""

    spec: PipelineSpec
    name: str
    document: Document

    @classmethod
    def load(cls, name: str | Path, arch: Architecture) -> Pipeline:
        """Read a shipped pipeline (``spatten/pipeline``) or a path; SpecError lists every fault."""
        return cls.from_document(read(find.path("pipeline", name)), arch, str(name))

    @classmethod
    def from_document(cls, document: Document, arch: Architecture, name: str = "") -> Pipeline:
        spec = validate(document, PipelineSpec)
        faults = list(_faults(spec, arch, document))
        if faults:
            raise SpecError(faults)
        return cls(spec=spec, name=name or document.path, document=document)

    @property
    def tasks(self) -> list[TaskSpec]:
        return self.spec.pipeline


def _faults(spec: PipelineSpec, arch: Architecture, document: Document) -> Iterator[Fault]:
    components = arch.spec.components
    names = [task.task for task in spec.pipeline]
    symbols = {*ROW_NAMES, *arch.symbols()}

    def unknown(loc: tuple[str | int, ...], name: str, known: object, what: str) -> Fault:
        listed = [str(each) for each in known]  # type: ignore[attr-defined]
        return document.fault(loc, f"must be {what}, not {name!r}{nearest(name, listed)}")

    for number, task in enumerate(spec.pipeline):
        loc: tuple[str | int, ...] = ("pipeline", number)
        if names.index(task.task) != number:
            yield document.fault((*loc, "task"), f"task {task.task!r} must be there once")
        wanted: type = Unit
        if task.moves is not None:
            wanted = Fetcher
        elif task.selects is not None:
            wanted = Select
        elif task.works is not None:
            wanted = Roofline
        units = [n for n, part in components.items() if isinstance(part, wanted)]
        if task.unit not in units:
            what = f"a unit of kind {wanted.__name__.lower()}"
            yield unknown((*loc, "unit"), task.unit, units, what)
        for place, after in enumerate(task.after):
            here = (*loc, "after", place, "task")
            if after.task not in names:
                yield unknown(here, after.task, names, "a task of the pipeline")
            elif after.of == "row" and not after.rows and names.index(after.task) >= number:
                yield document.fault(here, f"must be a task before {task.task}, not {after.task!r}")
        for key in ("reads", "writes"):
            for buffer in getattr(task, key):
                if buffer not in arch.buffers:
                    yield unknown((*loc, key), buffer, arch.buffers, "a buffer")
    for number, hold in enumerate(spec.holds):
        if hold.buffer not in arch.buffers:
            yield unknown(("holds", number, "buffer"), hold.buffer, arch.buffers, "a buffer")
        for key, ends in (("begin", [hold.begin]), ("until", hold.until)):
            for name in ends:
                if name not in names:
                    yield unknown(("holds", number, key), name, names, "a task of the pipeline")
    for loc, expression in _expressions(spec):
        for name in sorted(expression.names - symbols):
            yield unknown(loc, name, symbols, "a quantity of a row or of the architecture")


def _expressions(spec: PipelineSpec) -> Iterator[tuple[tuple[str | int, ...], Expression]]:
    for number, task in enumerate(spec.pipeline):
        loc: tuple[str | int, ...] = ("pipeline", number)
        yield (*loc, "when"), task.when
        if task.elements is not None:
            yield (*loc, "elements"), task.elements
        for key in ("loads", "stores"):
            moves: Moves | None = getattr(task, key)
            if moves is not None:
                yield (*loc, key, "vectors"), moves.vectors
                yield (*loc, key, "bits"), moves.bits
        if task.works is not None:
            yield (*loc, "works", "macs"), task.works.macs
            yield (*loc, "works", "bytes"), task.works.bytes
        if task.selects is not None:
            yield (*loc, "selects", "among"), task.selects.among
            yield (*loc, "selects", "keep"), task.selects.keep
            if task.selects.feed is not None:
                yield (*loc, "selects", "feed"), task.selects.feed
        for place, after in enumerate(task.after):
            yield (*loc, "after", place, "when"), after.when
        for key in ("reads", "writes"):
            for buffer, expression in getattr(task, key).items():
                yield (*loc, key, buffer), expression
    for number, hold in enumerate(spec.holds):
        yield ("holds", number, "bytes"), hold.bytes


__all__ = [
    "ROW_NAMES",
    "After",
    "Holds",
    "Moves",
    "Pipeline",
    "PipelineSpec",
    "Selects",
    "TaskSpec",
    "Works",
]
