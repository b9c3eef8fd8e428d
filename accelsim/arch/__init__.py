"""What hardware: components, links, clock and costs."""

from accelsim.arch.architecture import Architecture, Link
from accelsim.arch.means import Done, Expansions, Lacking
from accelsim.arch.model import ArchSpec, Array, Buffer, Dram
from accelsim.arch.streaming import Channels, Fetcher, Pipeline, Roofline, Select

__all__ = [
    "ArchSpec",
    "Architecture",
    "Array",
    "Buffer",
    "Channels",
    "Done",
    "Dram",
    "Expansions",
    "Fetcher",
    "Lacking",
    "Link",
    "Pipeline",
    "Roofline",
    "Select",
]
