"""Accelergy's files: reference tables of energy (ERT) and area (ART), and counts of actions."""

from accelsim.energy.accelergy.counts import Counted, action_counts, counted_pj, read_counts
from accelsim.energy.accelergy.read import as_cost_file, read_tables
from accelsim.energy.accelergy.write import art, ert

__all__ = [
    "Counted",
    "action_counts",
    "art",
    "as_cost_file",
    "counted_pj",
    "ert",
    "read_counts",
    "read_tables",
]
