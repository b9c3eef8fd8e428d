"""Maps any cascade onto any architecture of arrays, buffers and one memory, without a mapping file.

The steps are apart: ``grouping`` (which Einsums share a nest), ``partition`` (what a tile is),
``placement`` (who computes it), ``schedule`` (what runs ahead of what), ``hold`` (what stays on chip);
``mapper`` puts them together to ordinary mappings, of which the simulator takes the best.
"""

from accelsim.mapping.auto.mapper import STYLES, Draft, candidates, styles
from accelsim.mapping.auto.schedule import Schedule
from accelsim.mapping.auto.shape import Case, Style

__all__ = ["STYLES", "Case", "Draft", "Schedule", "Style", "candidates", "styles"]
