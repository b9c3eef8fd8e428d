"""The errors a user can meet; each knows the exit code of the command that meets it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault of an input, at a place that an editor can jump to (lines and columns count from 1)."""

    message: str
    file: str = "<input>"
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


class AccelsimError(Exception):
    """Any error whose text is meant for the user."""

    exit_code = 1


class SpecError(AccelsimError):
    """A faulty input (spec, cascade, mapping, shape, flag): all its faults at once."""

    exit_code = 2

    def __init__(self, faults: Iterable[Fault] | Fault | str) -> None:
        if isinstance(faults, str):
            faults = Fault(message=faults)
        self.faults: tuple[Fault, ...] = (faults,) if isinstance(faults, Fault) else tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


class InfeasibleError(AccelsimError):
    """A well-formed design that cannot run: it does not fit, or an operation has no unit."""


class DeadlockError(InfeasibleError):
    """A program whose tasks wait for one another; the text names the blocked tasks."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the valid name nearest to ``name``, else the valid names."""
    names = sorted(set(known))
    close = get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known: {', '.join(names)}" if names else ""
