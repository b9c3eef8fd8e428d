"""A cascade: an attention algorithm as equations that can be evaluated, counted and analysed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accelsim.cascade import ast
from accelsim.cascade.check import check_names
from accelsim.cascade.lexer import Source
from accelsim.cascade.macros import expand
from accelsim.cascade.model import Block, Equation, Reduce, Tensor
from accelsim.cascade.parser import parse, resolve
from accelsim.cascade.sizes import Sizes, shape_names, sizes_of, symbols_of
from accelsim.kept import Kept

KEPT_SIZES = 64  # of a cascade: those that were found last

if TYPE_CHECKING:
    import networkx as nx
    from numpy.typing import ArrayLike, NDArray

    from accelsim.cascade.passes import Explanation
    from accelsim.cascade.rewrite import Rewriting


@dataclass(frozen=True, kw_only=True)
class Cascade:
    r"""One algorithm.

    >>> Cascade.parse("in A[K]; B[K]\nout Y[]\nY[] = A[k] * B[k] :: +(k)").count(K=4)
    {'add': 3, 'mul': 4}
    """

    name: str
    block: Block
    """Declarations and equations, macros expanded."""
    source_text: Source
    summary: str = ""
    source: str = ""
    claimed_passes: Mapping[str, int] | None = None
    formats: Mapping[str, str] = field(default_factory=dict)
    """Number formats by tensor, or ``default``; what has none is a float64."""

    @classmethod
    def parse(
        cls,
        text: str,
        name: str = "cascade",
        *,
        summary: str = "",
        source: str = "",
        place: Source | None = None,
        claimed_passes: Mapping[str, int] | None = None,
        formats: Mapping[str, str] | None = None,
    ) -> Cascade:
        """Return the cascade that a text says; raise SpecError with all faults of the text."""
        where = place if place is not None else Source(text=text, file=f"<{name}>")
        written = resolve(parse(where))
        check_names(written, where)
        block = _finish(expand(written, where))
        check_names(block, where)
        return cls(
            name=name,
            block=block,
            source_text=where,
            summary=summary,
            source=source,
            claimed_passes=claimed_passes,
            formats=formats or {},
        )

    @classmethod
    def load(cls, name_or_path: str | Path) -> Cascade:
        """Return a shipped cascade by name, or the cascade of a YAML file."""
        from accelsim.cascade.load import load

        return load(name_or_path)

    @property
    def text(self) -> str:
        return self.source_text.text

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        return self.block.inputs

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        return self.block.outputs

    @cached_property
    def equations(self) -> tuple[Equation, ...]:
        """The equations in textual order, without those that set initial states."""
        return tuple(e for e in self.block.equations if not e.is_init)

    @cached_property
    def inits(self) -> tuple[Equation, ...]:
        return tuple(e for e in self.block.equations if e.is_init)

    @property
    def shape_names(self) -> tuple[str, ...]:
        """The symbols that the inputs' shapes bind, such as P, M, E, F."""
        return shape_names(self.block)

    @property
    def params(self) -> tuple[str, ...]:
        return tuple(s.name for s in self.block.settings if s.kind in ("param", "fixed"))

    @property
    def tiles(self) -> tuple[tuple[str, str], ...]:
        """The tiled ranks as (outer, inner): what occurs as ``outer*size+inner`` in an index."""
        from accelsim.cascade.tiles import tiles

        return tiles(self.block)

    def equation(self, name: str) -> Equation:
        from accelsim.errors import nearest

        for equation in self.block.equations:
            if equation.id == name:
                return equation
        known = nearest(name, [e.id for e in self.equations])
        raise self.source_text.error(0, f"unknown Einsum {name!r}{known}")

    def sizes(self, **given: Any) -> Sizes:
        """Return symbols, extents and shapes for shape names and parameters.

        The same sizes are the same object, with all that has been found out about them.
        """
        key = tuple((name, type(value), value) for name, value in given.items())
        try:
            return self._sizes.once(key, lambda: sizes_of(self.block, self.source_text, given))
        except TypeError:  # a value that cannot be a size: say so
            return sizes_of(self.block, self.source_text, given)

    @cached_property
    def kept(self) -> Kept:
        """What follows from the text alone."""
        return Kept()

    @cached_property
    def _sizes(self) -> Kept:
        return Kept(KEPT_SIZES)

    def symbols(self, **given: Any) -> dict[str, Any]:
        return symbols_of(self.block, self.source_text, given)

    def extents(self, **given: Any) -> dict[str, int]:
        return dict(self.sizes(**given).extents)

    def evaluate(
        self,
        inputs: Mapping[str, ArrayLike],
        *,
        formats: Mapping[str, str] | None = None,
        memory_bytes: int | None = None,
        **params: Any,
    ) -> dict[str, NDArray[Any]]:
        """Return the outputs by name; inputs may have leading ranks B, or B and H; absent is 0.

        ``formats`` gives number formats by tensor (``{"QK": "bf16"}``), over those of the file.
        ``memory_bytes`` is what may be held at once, inputs and outputs included (1 GiB if not
        given). What would not fit is computed tile by tile; a sum is then the sum of the sums of
        its tiles, in ascending order, so results differ by rounding only.
        """
        from accelsim.cascade.evaluate import evaluate

        return evaluate(self, inputs, params, formats=formats, memory_bytes=memory_bytes)

    def evaluate_reference(
        self,
        inputs: Mapping[str, ArrayLike],
        *,
        formats: Mapping[str, str] | None = None,
        **params: Any,
    ) -> dict[str, NDArray[Any]]:
        """Return the outputs as the definition says, element by element: slow, for comparison."""
        from accelsim.cascade.evaluate import evaluate

        return evaluate(self, inputs, params, formats=formats, slow=True)

    def count(self, **given: Any) -> dict[str, int]:
        """Return the exact number of operations by kind for sizes and parameters (no leading ranks)."""
        from accelsim.cascade.count import count

        return count(self, given)

    def passes(self) -> dict[str, int]:
        """Return the passes over every rank; a tiled pair is ``outer.inner``."""
        from accelsim.cascade.passes import passes

        return passes(self)

    def passes_explained(self, rank: str) -> Explanation:
        from accelsim.cascade.passes import explained

        return explained(self, rank)

    def rewritten(self, rank: str | None = None, *, tile: int | None = None) -> Rewriting:
        """Return a cascade of equal values with fewer passes, and the rewrites that led to it.

        With ``tile`` the rank is cut into tiles of so many places and states move once per tile.

        >>> Cascade.load("attention_3pass").rewritten().cascade.passes()["m"]
        1
        """
        from accelsim.cascade.rewrite import rewritten

        return rewritten(self, rank, tile)

    def graph(self) -> nx.MultiDiGraph[str]:
        """Return the dependences: nodes are inputs and Einsums, an edge is a read."""
        from accelsim.cascade.graph import graph

        return graph(self)


def _finish(block: Block) -> Block:
    """Give equations unique ids and scatters the coordinates that they reduce."""
    seen: dict[str, int] = {}
    finished: list[Equation] = []
    for equation in block.equations:
        if equation.is_init:
            finished.append(
                replace(equation, id=f"{equation.tensor}@init", reduce=_scattered(equation))
            )
            continue
        seen[equation.tensor] = seen.get(equation.tensor, 0) + 1
        number = seen[equation.tensor]
        name = equation.tensor if number == 1 else f"{equation.tensor}#{number}"
        finished.append(replace(equation, id=name, reduce=_scattered(equation)))
    return replace(block, equations=tuple(finished))


def _scattered(equation: Equation) -> Reduce | None:
    reduce = equation.reduce
    if reduce is None or reduce.op != "scatter":
        return reduce
    left = set(equation.left_coords)
    coords = ast.coords_in(*reduce.gathers, equation.right, *equation.where)
    return replace(reduce, coords=tuple(c for c in coords if c not in left))
