"""What a machine runs: its mapping on an attention problem, lowered to a program."""

from __future__ import annotations

from dataclasses import dataclass

from accelsim.arch import Architecture
from accelsim.cascade import Cascade
from accelsim.engines.fusemax import FuseMax
from accelsim.errors import InfeasibleError
from accelsim.mapping import Mapping, Problem
from accelsim.sim.lower import Lowered, lower
from accelsim.specs import Document


@dataclass(frozen=True, kw_only=True)
class Attention:
    """Sizes of a run: ``queries`` are walked in strips of ``query_tiles`` tiles."""

    heads: int
    queries: int
    keys: int
    query_tiles: int


def largest(engine: FuseMax) -> Attention:
    """Return the largest run that a machine is built for."""
    return Attention(
        heads=engine.heads,
        queries=engine.strips * engine.query_tiles * engine.cols,
        keys=engine.key_tiles * engine.rows,
        query_tiles=engine.query_tiles,
    )


def lowered(engine: FuseMax, run: Attention) -> Lowered:
    """Return the program of a run on a machine, as the simulator has it."""
    if (
        run.queries
        > -(-run.queries // (run.query_tiles * engine.cols)) * run.query_tiles * engine.cols
    ):
        raise InfeasibleError("queries must be whole strips of tiles")
    arch = Architecture.from_document(Document(path="<machine>", data=engine.architecture()))
    document = Document(path="<machine>", data=engine.mapping(run.query_tiles))
    problem = Problem(
        cascade=Cascade.load("attention_1pass"),
        arch=arch,
        ranks={"P": run.queries, "M": run.keys, "E": engine.head, "F": engine.value},
        leading={"h": run.heads},
    )
    return lower(Mapping.from_document(document).plan(problem))
