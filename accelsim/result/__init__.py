"""Results: the report of one run, comparison of designs, published figures beside simulated ones."""

from accelsim.result.compare import Comparison, Entry, Row
from accelsim.result.published import Published, Verdicts
from accelsim.result.report import Circuit, Report, Stage

__all__ = ["Circuit", "Comparison", "Entry", "Published", "Report", "Row", "Stage", "Verdicts"]
