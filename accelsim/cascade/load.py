"""Finds a cascade by name or path and reads its YAML; faults of the block point into the YAML file."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from pydantic import Field

from accelsim import specs
from accelsim.cascade.cascade import Cascade
from accelsim.cascade.formats import DEFAULT, FORMATS, is_format
from accelsim.cascade.lexer import Source
from accelsim.errors import Fault, SpecError, nearest


class CascadeSpec(specs.Spec):
    """A cascade file: an algorithm as a set of Einsums."""

    name: str = Field(min_length=1)
    summary: str = ""
    source: str = ""
    passes: dict[str, int] | None = Field(default=None, description="claimed passes by rank")
    formats: dict[str, str] = Field(
        default_factory=dict,
        description="number formats by tensor ('default': all others), such as bf16; else fp64",
    )
    cascade: str = Field(description="the equations, in the notation of the cascade grammar")


def load(name_or_path: str | Path) -> Cascade:
    path = specs.path("cascade", name_or_path)
    try:
        stamp = path.stat().st_mtime_ns
    except OSError:
        stamp = 0
    return _load(path, stamp)


@lru_cache(maxsize=256)
def _load(path: Path, stamp: int) -> Cascade:
    """Parse a file once for as long as it does not change (``stamp`` is when it did)."""
    del stamp
    return from_document(specs.read(path))


def _format_fault(document: specs.Document, tensor: str, word: str) -> Fault:
    message = f"{tensor} must have a number format, not {word!r}{nearest(word, FORMATS)}"
    return document.fault(("formats", tensor), message)


def from_document(document: specs.Document) -> Cascade:
    """Return the cascade that a YAML document says."""
    spec = specs.validate(document, CascadeSpec)
    unknown = [n for n, word in spec.formats.items() if not is_format(word)]
    if unknown:
        faults = [_format_fault(document, n, spec.formats[n]) for n in unknown]
        raise SpecError(faults)
    start = document.fault_within(("cascade",), "", 1, 1)
    place = Source(
        text=spec.cascade, file=document.path, first_line=start.line, indent=start.column - 1
    )
    cascade = Cascade.parse(
        spec.cascade,
        spec.name,
        summary=spec.summary,
        source=spec.source,
        place=place,
        claimed_passes=spec.passes,
        formats=spec.formats,
    )
    tensors = {DEFAULT, *(t.name for t in cascade.inputs), *(e.tensor for e in cascade.equations)}
    for name in spec.formats:
        if name not in tensors:
            message = f"no tensor is called {name!r}{nearest(name, tensors)}"
            raise SpecError(document.fault(("formats", name), message, key=True))
    return cascade
