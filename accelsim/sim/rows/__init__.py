"""Rows on a pipeline: their program, what bounds each, and what the run did."""

from accelsim.sim.rows.draft import Drafted
from accelsim.sim.rows.lower import lower_rows

__all__ = ["Drafted", "lower_rows"]
