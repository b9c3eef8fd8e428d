"""What hardware: components, links, clock and costs."""

from accelsim.arch.architecture import Architecture, Link
from accelsim.arch.means import Done, Expansions, Lacking
from accelsim.arch.model import ArchSpec, Array, Buffer, Dram

__all__ = [
    "ArchSpec",
    "Architecture",
    "Array",
    "Buffer",
    "Done",
    "Dram",
    "Expansions",
    "Lacking",
    "Link",
]
