"""Runs a design: reads it, chooses among its mappings by simulation, reports times and energy."""

from accelsim.job.call import Call
from accelsim.job.job import ATTENTION, Job
from accelsim.job.run import Run

__all__ = ["ATTENTION", "Call", "Job", "Run"]
