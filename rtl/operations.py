"""What a FuseMax does by the names that a mapping has for it: Einsums, and the loops over tiles."""

from __future__ import annotations

from accelsim.engines.pe1d import LaneOp
from accelsim.engines.pe2d import Op

WIDE = {"QK": Op.SCORE, "LM": Op.MAXIMUM, "SLD": Op.SUM, "SLNV": Op.PRODUCT}
WIDE_TASKS = (*WIDE, "SLN")
LANE = {name: LaneOp[name] for name in ("RM", "SPD", "SPNV", "RD", "RNV", "AV")}
LANE_TASKS = (*LANE, "PRM")

# GROUPED: the query tiles whose exponentials are interleaved, if any are.
HEADS, STRIPS, KEY_TILES, QUERY_TILES, GROUPED = "h", "p2", "m1", "p1", "pg"
POWERS = ("SLN", "PRM")  # the exponentials
