"""Einsums as other tools state them, and the cascade and workload that say the same here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from accelsim.errors import SpecError
from accelsim.units import brief

NAME = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True, kw_only=True)
class Index:
    """An affine index: the sum of ``factor * variable``, and a constant."""

    terms: tuple[tuple[int, str], ...]
    constant: int = 0

    @classmethod
    def of(cls, variable: str) -> Index:
        return cls(terms=((1, variable),))

    @property
    def bare(self) -> str | None:
        """The variable, if the index is just that."""
        one = len(self.terms) == 1 and self.terms[0][0] == 1 and not self.constant
        return self.terms[0][1] if one else None

    def extent(self, sizes: Mapping[str, int]) -> int:
        """Return how many places the index reaches: its largest value and 1."""
        most = sum(factor * (sizes[name] - 1) for factor, name in self.terms if factor > 0)
        return most + self.constant + 1


@dataclass(frozen=True, kw_only=True)
class Access:
    """A tensor at indices; ``axes`` are the sizes of its axes where the file states them."""

    tensor: str
    indices: tuple[Index, ...]
    axes: tuple[int | None, ...] = ()

    @property
    def variables(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for index in self.indices for _, name in index.terms))


@dataclass(frozen=True, kw_only=True)
class Einsum:
    """``output = product of the inputs``, summed over what the output lacks; one input is a copy.

    ``operation`` is done to the product (``exp``), or "" for nothing.
    """

    output: Access
    inputs: tuple[Access, ...]
    operation: str = ""


@dataclass(frozen=True, kw_only=True)
class Einsums:
    """What a file states: Einsums in order, and the size of each variable."""

    name: str
    source: str
    einsums: tuple[Einsum, ...]
    sizes: Mapping[str, int]
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        made: set[str] = set()
        tensors = [a.tensor for e in self.einsums for a in (e.output, *e.inputs)]
        ranks = {_rank(v) for v in self.sizes}
        for name in tensors:
            if _tensor(name) in ranks:
                raise SpecError(f"a tensor must not be named as a rank is, not {brief(name)}")
        for einsum in self.einsums:
            if einsum.output.tensor in made:
                raise SpecError(f"{einsum.output.tensor} must be made by one Einsum, not by two")
            made.add(einsum.output.tensor)
            for index in einsum.output.indices:
                if index.bare is None:
                    raise SpecError(
                        f"{einsum.output.tensor} must be written at single variables, not at sums"
                    )
            if not einsum.inputs:
                raise SpecError(f"{einsum.output.tensor} must have an input")

    @property
    def inputs(self) -> dict[str, Access]:
        """The tensors that no Einsum makes, as they are first read."""
        made = {einsum.output.tensor for einsum in self.einsums}
        found: dict[str, Access] = {}
        for einsum in self.einsums:
            for access in einsum.inputs:
                if access.tensor not in made:
                    found.setdefault(access.tensor, access)
        return found

    @property
    def outputs(self) -> list[Access]:
        """The tensors that no Einsum reads."""
        read = {access.tensor for einsum in self.einsums for access in einsum.inputs}
        return [e.output for e in self.einsums if e.output.tensor not in read]

    def cascade(self) -> str:
        """Return the cascade file."""
        axes = self._axes()
        bound = {symbol for symbols in axes.values() for symbol in symbols}
        inputs = "; ".join(f"{_tensor(n)}[{','.join(symbols)}]" for n, symbols in axes.items())
        outs = "; ".join(
            f"{_tensor(a.tensor)}[{','.join(_rank(i.bare or '') for i in a.indices)}]"
            for a in self.outputs
        )
        lines = [f"in {inputs}", f"out {outs}"]
        free = [v for v in self._used() if _rank(v) not in bound]
        if free:
            lines.append("param " + "; ".join(f"{_rank(v)} = {self.sizes[v]}" for v in free))
            lines.append("rank " + "; ".join(f"{_variable(v)} = {_rank(v)}" for v in free))
        lines += [_equation(einsum) for einsum in self.einsums]
        body = "".join(f"  {line}\n" for line in lines)
        return f"name: {self.name}\nsource: {self.source}\ncascade: |\n{body}"

    def workload(self, cascade: str) -> str:
        """Return the workload file that runs the cascade (a name or a path) at the file's sizes."""
        ranks = self._ranks()
        table = ", ".join(f"{name}: {size}" for name, size in ranks.items())
        stage = ", ".join(f"{name}: {name}" for name in ranks)
        return (
            f"name: {self.name}\nsource: {self.source}\nranks: {{{table}}}\nseq: []\nstages:\n"
            f"  {self.name}: {{cascade: {cascade}, scope: attention, ranks: {{{stage}}}}}\n"
        )

    def _axes(self) -> dict[str, list[str]]:
        """Return the names of the axes of each input: a rank, or a name of its own for a sum."""
        found: dict[str, list[str]] = {}
        for tensor, access in self.inputs.items():
            symbols = []
            for n, index in enumerate(access.indices):
                variable = index.bare
                stated = access.axes[n] if access.axes else None
                own = variable is None or (stated or self.sizes[variable]) != self.sizes[variable]
                symbols.append(f"{_tensor(tensor)}_{n}" if own else _rank(variable or ""))
            found[tensor] = symbols
        return found

    def _ranks(self) -> dict[str, int]:
        """Return the sizes of the axes of the inputs."""
        found: dict[str, int] = {}
        axes = self._axes()
        for tensor, access in self.inputs.items():
            for n, (symbol, index) in enumerate(zip(axes[tensor], access.indices, strict=True)):
                stated = access.axes[n] if access.axes else None
                found[symbol] = stated or index.extent(self.sizes)
        return found

    def _used(self) -> list[str]:
        accesses = [a for e in self.einsums for a in (e.output, *e.inputs)]
        return list(dict.fromkeys(v for access in accesses for v in access.variables))


def _equation(einsum: Einsum) -> str:
    left = einsum.output.variables
    product = " * ".join(_access(access) for access in einsum.inputs)
    right = f"{einsum.operation}({product})" if einsum.operation else product
    summed = [v for a in einsum.inputs for v in a.variables if v not in left]
    over = ", ".join(_variable(v) for v in dict.fromkeys(summed))
    return f"{_access(einsum.output)} = {right}" + (f" :: +({over})" if over else "")


def _access(access: Access) -> str:
    return f"{_tensor(access.tensor)}[{','.join(_index(index) for index in access.indices)}]"


def _index(index: Index) -> str:
    parts = [
        _variable(name) if factor == 1 else f"{_variable(name)}*{factor}"
        for factor, name in index.terms
    ]
    if index.constant:
        parts.append(str(index.constant))
    return "+".join(parts).replace("+-", "-") or "0"


def _tensor(name: str) -> str:
    """A tensor's name begins with a capital here."""
    return name[:1].upper() + name[1:]


def _rank(variable: str) -> str:
    return variable.upper()


def _variable(name: str) -> str:
    return name.lower()


def different(names: Iterable[str]) -> str | None:
    """Return a name that differs from another in case alone: here they would be one."""
    seen: dict[str, str] = {}
    for name in names:
        if seen.setdefault(name.lower(), name) != name:
            return name
    return None
