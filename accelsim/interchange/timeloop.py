"""Timeloop's problem files (versions 0.2 to 0.4): one Einsum with its dimensions and projections."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from accelsim.errors import SpecError, nearest
from accelsim.interchange.einsums import Access, Einsum, Einsums, Index, different
from accelsim.specs import Document, read
from accelsim.specs.reader import Loc
from accelsim.units import brief


def read_timeloop(path: str | Path) -> Einsums:
    """Return the Einsum that a Timeloop problem states; SpecError says where it is none."""
    return _Reader(read(path)).problem()


def is_timeloop(document: Document) -> bool:
    data = document.data
    return isinstance(data, dict) and isinstance(data.get("problem"), dict)


class _Reader:
    def __init__(self, document: Document) -> None:
        self.document = document

    def problem(self) -> Einsums:
        if not is_timeloop(self.document):
            raise self.fault((), "must be a Timeloop problem: a mapping with the key 'problem'")
        problem = self.document.data["problem"]
        shape = problem.get("shape")
        if isinstance(shape, str):
            raise self.fault(
                ("problem", "shape"),
                f"shape must be stated in the file (dimensions, data spaces), not the name {brief(shape)}",
            )
        if not isinstance(shape, dict):
            raise self.fault(("problem",), "must have the key 'shape', a mapping")
        dimensions = self.names(shape, "dimensions", ("problem", "shape"))
        same = different(dimensions)
        if same is not None:
            raise self.fault(
                ("problem", "shape", "dimensions"),
                f"dimensions must differ in more than case, not {brief(same)}",
            )
        sizes, where = self.sizes(problem)
        coefficients = self.coefficients(shape, sizes, where)
        for name in dimensions:
            if name not in sizes:
                hint = nearest(name, [n for n in sizes if n not in dimensions])
                raise self.fault(where, f"must have a size for dimension {brief(name)}{hint}")
        spaces = self.spaces(shape, dimensions, coefficients)
        written = [access for access, output in spaces if output]
        if len(written) != 1:
            raise self.fault(
                ("problem", "shape"),
                f"one data space must be read_write, the result, not {len(written)}",
            )
        einsum = Einsum(
            output=written[0], inputs=tuple(access for access, output in spaces if not output)
        )
        name = str(shape.get("name") or problem.get("name") or Path(self.document.path).stem)
        try:
            return Einsums(
                name=plain(name),
                source=f"Timeloop problem, {Path(self.document.path).name}",
                einsums=(einsum,),
                sizes={name: sizes[name] for name in dimensions},
            )
        except SpecError as error:
            raise self.fault(("problem", "shape"), error.faults[0].message) from None

    def sizes(self, problem: Mapping[str, Any]) -> tuple[dict[str, int], Loc]:
        """Return what the instance gives; in old files it stands beside the shape."""
        where: Loc = ("problem", "instance") if "instance" in problem else ("problem",)
        listed = problem.get("instance", problem)
        if not isinstance(listed, dict):
            raise self.fault(where, f"instance must be a mapping, not {brief(listed)}")
        found = {}
        for name, value in listed.items():
            if name in {"shape", "version", "name", "densities", "instance"}:
                continue
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                if where == ("problem",) and isinstance(value, dict | list):
                    continue
                message = f"{name} must be a whole number of at least 1, not {brief(value)}"
                raise self.fault((*where, name), message)
            found[str(name)] = value
        return found, where

    def coefficients(
        self, shape: Mapping[str, Any], sizes: Mapping[str, int], where: Loc
    ) -> dict[str, int]:
        found = {}
        for n, one in enumerate(shape.get("coefficients") or []):
            loc: Loc = ("problem", "shape", "coefficients", n)
            if not isinstance(one, dict) or not isinstance(one.get("name"), str):
                raise self.fault(loc, f"coefficient must have a name, not {brief(one)}")
            value = sizes.get(one["name"], one.get("default"))
            if isinstance(value, bool) or not isinstance(value, int):
                raise self.fault(
                    where,
                    f"must have a value for coefficient {brief(one['name'])}, not {brief(value)}",
                )
            found[one["name"]] = value
        return found

    def spaces(
        self, shape: Mapping[str, Any], dimensions: list[str], coefficients: Mapping[str, int]
    ) -> list[tuple[Access, bool]]:
        key = next((k for k in ("data_spaces", "data-spaces") if k in shape), None)
        if key is None:
            raise self.fault(("problem", "shape"), "must have the key 'data_spaces'")
        listed = shape[key]
        if not isinstance(listed, list) or not listed:
            raise self.fault(
                ("problem", "shape", key), f"{key} must be a list, not {brief(listed)}"
            )
        found = []
        for n, space in enumerate(listed):
            loc: Loc = ("problem", "shape", key, n)
            if not isinstance(space, dict) or not isinstance(space.get("name"), str):
                raise self.fault(loc, f"data space must have a name, not {brief(space)}")
            if not isinstance(space.get("projection"), list):
                raise self.fault(loc, f"data space {space['name']} must have a projection, a list")
            indices = tuple(
                self.index(entry, dimensions, coefficients, (*loc, "projection", m))
                for m, entry in enumerate(space["projection"])
            )
            output = bool(space.get("read_write", space.get("read-write", False)))
            found.append((Access(tensor=plain(space["name"]), indices=indices), output))
        return found

    def index(
        self, entry: Any, dimensions: list[str], coefficients: Mapping[str, int], loc: Loc
    ) -> Index:
        """Return one rank's index: a sum of products, ``[[R, Wdilation], [P, Wstride]]``; or a name."""
        terms = []
        for n, product in enumerate(entry if isinstance(entry, list) else [[entry]]):
            factors = product if isinstance(product, list) else [product]
            factor, variable = 1, None
            for one in factors:
                if isinstance(one, int) and not isinstance(one, bool):
                    factor *= one
                elif isinstance(one, str) and one in coefficients:
                    factor *= coefficients[one]
                elif isinstance(one, str) and one in dimensions and variable is None:
                    variable = str(one)
                else:
                    known = [*dimensions, *coefficients]
                    raise self.fault(
                        (*loc, n),
                        "projection must be a sum of products of one dimension and coefficients, not"
                        f" {brief(one)}{nearest(str(one), known)}",
                    )
            if variable is None:
                raise self.fault((*loc, n), "a product must have a dimension")
            if factor < 1:
                raise self.fault((*loc, n), f"a coefficient must be at least 1, not {factor}")
            terms.append((factor, variable))
        return Index(terms=tuple(terms))

    def names(self, data: Mapping[str, Any], key: str, loc: Loc) -> list[str]:
        listed = data.get(key)
        if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
            raise self.fault((*loc, key), f"{key} must be a list of names, not {brief(listed)}")
        return [str(one) for one in listed]

    def fault(self, loc: Loc, message: str) -> SpecError:
        return SpecError(self.document.fault(loc, message))


def plain(name: str) -> str:
    """Return a name that may stand in a cascade: letters, digits and underscores."""
    kept = "".join(c if c.isalnum() or c == "_" else "_" for c in name)
    return kept if kept[:1].isalpha() else f"X{kept}"
