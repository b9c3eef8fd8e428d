"""Pictures of reports and comparisons: matplotlib axes, and files that are the same each time."""

from accelsim.plot.compare import cycles, latency_energy, speedup, utilization
from accelsim.plot.explore import parallel, pictures, rooflines, tradeoff, utilizations
from accelsim.plot.report import activity, energy, roofline
from accelsim.plot.selects import select_area, select_cycles
from accelsim.plot.style import PALETTE, colors, save

__all__ = [
    "PALETTE",
    "activity",
    "colors",
    "cycles",
    "energy",
    "latency_energy",
    "parallel",
    "pictures",
    "roofline",
    "rooflines",
    "save",
    "select_area",
    "select_cycles",
    "speedup",
    "tradeoff",
    "utilization",
    "utilizations",
]
