"""Rewrites a cascade into one of equal values that takes fewer passes over a rank."""

from __future__ import annotations

from accelsim.cascade.rewrite.program import Applied
from accelsim.cascade.rewrite.result import Rewriting, Rewritten, reached, rewritten

__all__ = ["Applied", "Rewriting", "Rewritten", "reached", "rewritten"]
