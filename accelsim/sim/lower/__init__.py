"""Lowers a plan to a program: tasks, waits and queues."""

from accelsim.sim.lower.assemble import Lowered, lower

__all__ = ["Lowered", "lower"]
