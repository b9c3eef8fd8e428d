"""AccelForge's workload files: Einsums by tensor accesses or as text, sizes by rank or by variable."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from accelsim.errors import SpecError, nearest
from accelsim.interchange.einsums import Access, Einsum, Einsums, Index, different
from accelsim.interchange.timeloop import plain
from accelsim.specs import Document, read
from accelsim.specs.reader import Loc
from accelsim.units import brief

_BOUND = re.compile(r"\s*(-?\d+)\s*<=\s*(\w+)\s*<\s*(\d+)\s*")
_ACCESS = re.compile(r"\s*([A-Za-z_]\w*)\s*(?:\([^()]*\))?\s*\[([^\[\]]*)\]\s*")
_TERM = re.compile(r"(?:(\d+)\s*\*\s*)?([A-Za-z_]\w*)(?:\s*\*\s*(\d+))?")
_SHAPES = ("iteration_space_shape", "shape")


def read_accelforge(path: str | Path, *, unary: str = "") -> Einsums:
    """Return the Einsums of an AccelForge workload; SpecError says where it is none.

    ``unary`` is what an Einsum of one input does to it: "" copies, "exp" takes the exponential.
    """
    return _Reader(read_plain(path), unary).workload()


def read_plain(path: str | Path) -> Document:
    """Read YAML; a Jinja template is refused with a sentence of its own."""
    try:
        return read(path)
    except SpecError:
        try:
            text = Path(path).read_text(encoding="utf-8", errors="replace")
        except OSError:
            text = ""
        for number, line in enumerate(text.splitlines(), 1):
            if "{%" in line or "{{" in line:
                place = Document(path=str(path), data=None, marks={(): (number, 1)})
                message = "must be plain YAML, not a Jinja template: render it first"
                raise SpecError(place.fault((), message)) from None
        raise


class _Reader:
    def __init__(self, document: Document, unary: str) -> None:
        self.document, self.unary = document, unary
        self.ranks: dict[str, int] = {}
        self.variables: dict[str, int] = {}
        self.where: dict[str, Loc] = {}  # where a variable was first met

    def workload(self) -> Einsums:
        data = self.document.data
        workload = data.get("workload") if isinstance(data, dict) else None
        if not isinstance(workload, dict) or not isinstance(workload.get("einsums"), list):
            raise self.fault((), "must be an AccelForge workload: workload with a list of einsums")
        self.sizes(workload, ("workload",))
        einsums = []
        for n, entry in enumerate(workload["einsums"]):
            einsums.append(self.einsum(entry, ("workload", "einsums", n)))
        same = different(self.where)
        if same is not None:
            raise self.fault(self.where[same], f"{brief(same)} must differ in more than case")
        for name, loc in self.where.items():
            if name not in self.variables:
                known = [*self.ranks, *self.variables]
                message = (
                    f"variable {brief(name)} must have a size: a rank {name.upper()} or a shape"
                )
                raise self.fault(loc, f"{message}{nearest(name.upper(), known)}")
        try:
            return Einsums(
                name=plain(Path(self.document.path).name.split(".")[0]),
                source=f"AccelForge workload, {Path(self.document.path).name}",
                einsums=tuple(einsums),
                sizes={name: self.variables[name] for name in self.where},
                notes=tuple(
                    f"{e.output.tensor} copies {e.inputs[0].tensor}: what it computes is not stated"
                    for e in einsums
                    if len(e.inputs) == 1 and not e.operation and not _sums(e)
                ),
            )
        except SpecError as error:
            raise self.fault(("workload", "einsums"), error.faults[0].message) from None

    def sizes(self, data: dict[str, Any], loc: Loc) -> None:
        ranks = data.get("rank_sizes") or {}
        if not isinstance(ranks, dict):
            message = f"rank_sizes must be a mapping, not {brief(ranks)}"
            raise self.fault((*loc, "rank_sizes"), message)
        for name, size in ranks.items():
            if isinstance(size, bool) or not isinstance(size, int) or size < 1:
                message = f"{name} must be a whole number of at least 1, not {brief(size)}"
                raise self.fault((*loc, "rank_sizes", name), message)
            self.ranks[str(name)] = size
        for key in _SHAPES:
            shapes = data.get(key) or []
            if not isinstance(shapes, dict | list):
                message = f"{key} must be a mapping or a list, not {brief(shapes)}"
                raise self.fault((*loc, key), message)
            listed = shapes.items() if isinstance(shapes, dict) else enumerate(shapes)
            for name, text in listed:
                self.bound(text, (*loc, key, name))

    def bound(self, text: Any, loc: Loc) -> None:
        found = _BOUND.fullmatch(str(text))
        if found is None or found[1] != "0" or int(found[3]) < 1:
            raise self.fault(loc, f"shape must be '0 <= VARIABLE < SIZE', not {brief(text)}")
        self.variables[found[2]] = int(found[3])

    def einsum(self, entry: Any, loc: Loc) -> Einsum:
        if isinstance(entry, dict) and isinstance(entry.get("tensor_accesses"), list):
            self.sizes(entry, loc)
            accesses = [
                (self.access(one, (*loc, "tensor_accesses", n)), bool(one.get("output")))
                for n, one in enumerate(entry["tensor_accesses"])
            ]
        else:
            text = entry.get("einsum") if isinstance(entry, dict) else entry
            at: Loc = (*loc, "einsum") if isinstance(entry, dict) else loc
            if not isinstance(text, str) or text.count("=") < 1:
                raise self.fault(
                    at, f"Einsum must have tensor_accesses or be a text, not {brief(text)}"
                )
            if isinstance(entry, dict):
                self.sizes(entry, loc)
            accesses = self.text(text, at)
        written = [access for access, output in accesses if output]
        read_ = tuple(access for access, output in accesses if not output)
        if len(written) != 1 or not read_:
            raise self.fault(loc, f"Einsum must have inputs and one output, not {len(written)}")
        alone = len(read_) == 1 and set(read_[0].variables) <= set(written[0].variables)
        return Einsum(output=written[0], inputs=read_, operation=self.unary if alone else "")

    def access(self, data: Any, loc: Loc) -> Access:
        if not isinstance(data, dict) or not isinstance(data.get("name"), str):
            raise self.fault(loc, f"tensor access must have a name, not {brief(data)}")
        projection = data.get("projection")
        at: Loc = (*loc, "projection")
        if isinstance(projection, dict):
            pairs = [(str(rank), text) for rank, text in projection.items()]
        elif isinstance(projection, list):
            pairs = [("", text) for text in projection]
        else:
            raise self.fault(at, f"projection must be a list or a mapping, not {brief(projection)}")
        return self.made(data["name"], pairs, at)

    def text(self, text: str, loc: Loc) -> list[tuple[Access, bool]]:
        """Read ``AV[b, f] = QK[b, m] * V(weight)[b, M=m, f]``."""
        left, _, right = text.partition("] =")
        found = []
        for n, part in enumerate([left + "]", *re.split(r"\*(?![^\[]*\])", right)]):
            match = _ACCESS.fullmatch(part)
            if match is None:
                raise self.fault(loc, f"must be a tensor with indices, not {brief(part.strip())}")
            pairs = []
            for piece in match[2].split(","):
                rank, equals, index = piece.partition("=")
                pairs.append((rank.strip(), index) if equals else ("", rank))
            found.append((self.made(match[1], pairs, loc), n == 0))
        return found

    def made(self, name: str, pairs: list[tuple[str, Any]], loc: Loc) -> Access:
        indices, axes = [], []
        for rank, text in pairs:
            index = self.index(str(text), loc)
            indices.append(index)
            own = rank or (index.bare or "").upper()
            axes.append(self.ranks.get(own))
            for _, variable in index.terms:
                self.where.setdefault(variable, loc)
                size = self.ranks.get(
                    variable.upper(), self.ranks.get(rank) if index.bare else None
                )
                if size is not None:
                    self.variables.setdefault(variable, size)
        return Access(tensor=plain(name), indices=tuple(indices), axes=tuple(axes))

    def index(self, text: str, loc: Loc) -> Index:
        terms, constant = [], 0
        for part in text.split("+"):
            word = part.strip()
            if word.isdigit():
                constant += int(word)
                continue
            found = _TERM.fullmatch(word)
            if found is None:
                raise self.fault(loc, f"projection must be a sum of variables, not {brief(text)}")
            terms.append((int(found[1] or found[3] or 1), found[2]))
        return Index(terms=tuple(terms), constant=constant)

    def fault(self, loc: Loc, message: str) -> SpecError:
        return SpecError(self.document.fault(loc, message))


def _sums(einsum: Einsum) -> bool:
    left = set(einsum.output.variables)
    return any(v not in left for access in einsum.inputs for v in access.variables)
