"""One point simulated: its report as data, or why it cannot run."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from accelsim.errors import InfeasibleError, SpecError
from accelsim.explore.build import Build

_FOLDERS = re.compile(r"^(?:[A-Za-z]:)?/?(?:[^/:\n]+/)*(?=[^/:]+/[^/:]+:\d+:\d+: )")
Status = Literal["done", "infeasible", "refused", "failed"]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a point. ``report`` is that of the JSON output, None unless it is done.

    ``infeasible``: well-formed, but it cannot run; ``refused``: a field's value is not valid;
    ``failed``: a fault of accelsim itself, which no store keeps. ``cpu_seconds`` is what it took.
    """

    status: Status
    report: Mapping[str, Any] | None = None
    reason: str = ""
    cpu_seconds: float = 0.0


def evaluate(settings: Mapping[str, Any]) -> Outcome:
    """Simulate the point of these settings; nothing is raised."""
    begun = time.process_time()
    status: Status = "done"
    report: Mapping[str, Any] | None = None
    reason = ""
    try:
        report = Build.of(settings).figures()
    except InfeasibleError as error:
        status, reason = "infeasible", _first_line(error)
    except SpecError as error:
        status, reason = "refused", error.faults[0].message
    except Exception as error:  # a sweep of thousands of points goes on, and says so
        status, reason = "failed", f"{type(error).__name__}: {_first_line(error)}"
    spent = time.process_time() - begun
    return Outcome(status=status, report=report, reason=reason, cpu_seconds=spent)


def _first_line(error: Exception) -> str:
    """Return what an error says first; of a file's path what is the same on every machine."""
    return _FOLDERS.sub("", (str(error).splitlines() or [""])[0])
