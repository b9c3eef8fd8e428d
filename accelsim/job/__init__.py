"""Runs a design: reads it, chooses among its mappings by simulation, reports times and energy."""

from accelsim.job.job import ATTENTION, Job
from accelsim.job.run import Run

__all__ = ["ATTENTION", "Job", "Run"]
