"""How a cascade runs on an architecture: mappings, designs and workloads."""

from accelsim.mapping.design import Design
from accelsim.mapping.mapping import Mapping
from accelsim.mapping.plan import Plan
from accelsim.mapping.resolve import Problem
from accelsim.mapping.selection import Selection
from accelsim.mapping.workload import Stage, Workload

__all__ = ["Design", "Mapping", "Plan", "Problem", "Selection", "Stage", "Workload"]
