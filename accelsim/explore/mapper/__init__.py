"""Finds a mapping for a cascade on an architecture: structure, units, tiles and a modulo schedule."""

from accelsim.explore.mapper.rewriting import find_rewritten
from accelsim.explore.mapper.search import Found, Tried, find_mapping

__all__ = ["Found", "Tried", "find_mapping", "find_rewritten"]
