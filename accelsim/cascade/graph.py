"""The dependence graph of a cascade: a node per input and per Einsum, an edge per read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from accelsim.cascade import ast
from accelsim.cascade.check import offset
from accelsim.cascade.model import Equation, Shift, TensorRead

if TYPE_CHECKING:
    import networkx as nx

    from accelsim.cascade.cascade import Cascade


def graph(cascade: Cascade) -> nx.MultiDiGraph[str]:
    """Return the graph; an edge's ``distance`` is 1 where it reads the state of the step before.

    Nodes have ``kind`` (input, init, einsum) and ``tensor``; edges have ``tensor``, ``read`` (its
    text), ``gather`` and ``distance``. Without the edges of distance 1 the graph has no cycle.
    """
    import networkx as nx

    result: nx.MultiDiGraph[str] = nx.MultiDiGraph(name=cascade.name)
    for tensor in cascade.inputs:
        result.add_node(tensor.name, kind="input", tensor=tensor.name)
    writers: dict[str, list[Equation]] = {}
    for equation in cascade.block.equations:
        kind = "init" if equation.is_init else "einsum"
        result.add_node(equation.id, kind=kind, tensor=equation.tensor)
        writers.setdefault(equation.tensor, []).append(equation)
    for equation in cascade.block.equations:
        for read in equation.reads:
            text = ast.show(read.node)
            if read.tensor not in writers:
                result.add_edge(
                    read.tensor,
                    equation.id,
                    tensor=read.tensor,
                    read=text,
                    gather=read.is_gather,
                    distance=0,
                )
            for writer in writers.get(read.tensor, ()):
                far = _distance(read, writer, equation)
                result.add_edge(
                    writer.id,
                    equation.id,
                    tensor=read.tensor,
                    read=text,
                    gather=read.is_gather,
                    distance=far,
                )
    return result


def _distance(read: TensorRead, writer: Equation, reader: Equation) -> int:
    for axis, index in zip(writer.left, read.indices, strict=True):
        if (
            isinstance(axis, Shift)
            and axis.coord in ast.coords_in(index)
            and axis.coord in reader.left_coords
        ):
            step = offset(index, axis.coord)
            return 1 if step is None or step < 1 else 0
    return 0
