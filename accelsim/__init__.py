"""Cycle-exact simulation of attention accelerators: cascades, architectures, mappings, designs.

The public names are loaded when they are first used, so ``import accelsim`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from accelsim.api import Report, Results, compare, find_mapping, simulate, simulate_rows, sweep
    from accelsim.arch import Architecture
    from accelsim.cascade import Cascade
    from accelsim.errors import DeadlockError, InfeasibleError, SpecError
    from accelsim.explore import StoreError
    from accelsim.mapping import Design, Mapping
    from accelsim.report import write_report

__version__ = "0.1.0"

__all__ = [
    "Architecture",
    "Cascade",
    "DeadlockError",
    "Design",
    "InfeasibleError",
    "Mapping",
    "Report",
    "Results",
    "SpecError",
    "StoreError",
    "__version__",
    "compare",
    "find_mapping",
    "simulate",
    "simulate_rows",
    "sweep",
    "write_report",
]

_HOMES = {
    "Architecture": "accelsim.arch",
    "Cascade": "accelsim.cascade",
    "DeadlockError": "accelsim.errors",
    "Design": "accelsim.mapping",
    "InfeasibleError": "accelsim.errors",
    "Mapping": "accelsim.mapping",
    "Report": "accelsim.api",
    "Results": "accelsim.api",
    "SpecError": "accelsim.errors",
    "StoreError": "accelsim.explore",
    "compare": "accelsim.api",
    "find_mapping": "accelsim.api",
    "simulate": "accelsim.api",
    "simulate_rows": "accelsim.api",
    "sweep": "accelsim.api",
    "write_report": "accelsim.report",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'accelsim' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
