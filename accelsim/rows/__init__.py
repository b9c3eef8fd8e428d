"""Rows: attention query by query, as data leave it. The workload of a pipeline whose time data decide."""

from accelsim.rows.row import Row, Rows
from accelsim.rows.totals import Totals, totals

__all__ = ["Row", "Rows", "Totals", "totals"]
