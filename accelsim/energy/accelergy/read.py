"""Reads Accelergy's reference tables as a cost table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from accelsim.energy.accelergy.names import READABLE, place
from accelsim.energy.tables import CostTable
from accelsim.errors import SpecError
from accelsim.specs import Document, read
from accelsim.specs.reader import Loc, read_text
from accelsim.units import brief

_NO_LEAKAGE = "Accelergy's reference tables carry no leakage power"


def read_tables(
    ert: str | Path,
    art: str | Path | None = None,
    *,
    parts: Mapping[str, str] | None = None,
    actions: Mapping[str, str] | None = None,
) -> CostTable:
    """Return Accelergy's ERT (and ART) as a cost table.

    ``parts`` renames a component by the last word of its name (``system.chip.GLB[0..3]`` is GLB)
    to a part, or to ``COMPONENT part`` to price it in one component only; a name that ends in a part
    (``chip.PE2D.mac``) needs none. ``actions`` renames actions (``{"update": "write"}``). The arguments
    of an action become conditions of its row. Energies are pJ, areas um^2.
    """
    return CostTable.from_document(read_text(as_cost_file(ert, art, parts, actions), str(ert)))


def as_cost_file(
    ert: str | Path,
    art: str | Path | None = None,
    parts: Mapping[str, str] | None = None,
    actions: Mapping[str, str] | None = None,
) -> str:
    """Return Accelergy's ERT (and ART) as the text of a cost table; see :func:`read_tables`."""
    renamed = parts or {}
    document = read(ert)
    data: dict[str, Any] = {
        "name": Path(ert).stem,
        "source": f"Accelergy, {Path(ert).name}",
        "node": "as estimated",
        "leakage": _NO_LEAKAGE,
        "rows": list(_energy_rows(document, renamed, actions or {})),
        "areas": list(_area_rows(read(art), renamed)) if art else [],
    }
    return yaml.safe_dump(data, sort_keys=False)


def _energy_rows(
    document: Document, parts: Mapping[str, str], actions: Mapping[str, str]
) -> Iterable[dict[str, Any]]:
    for loc, name, listed in _tables(document, "ERT"):
        for at, action, body in _named(document, (*loc, "actions"), listed):
            energy = (
                body.get("energy", body.get("average", body.get("max")))
                if isinstance(body, dict)
                else body
            )
            if isinstance(energy, dict):
                energy = energy.get("average", energy.get("max"))
            _check(document, at, "energy", "pJ", energy)
            arguments = body.get("arguments") if isinstance(body, dict) else None
            yield {
                **_part(name, parts),
                "action": actions.get(action, action),
                "where": dict(arguments or {}),
                "energy_pj": energy,
                "source": f"Accelergy, {Path(document.path).name}, {name}, {action}",
            }


def _area_rows(document: Document, parts: Mapping[str, str]) -> Iterable[dict[str, Any]]:
    for loc, name, area in _tables(document, "ART"):
        _check(document, loc, "area", "um^2", area)
        yield {
            **_part(name, parts),
            "area_um2": area,
            "source": f"Accelergy, {Path(document.path).name}, {name}",
        }


def _check(document: Document, loc: Loc, what: str, unit: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e300:
        message = f"{what} must be a number of {unit} of at least 0, not {brief(value)}"
        raise SpecError(document.fault((*loc, what), message))


def _tables(document: Document, root: str) -> Iterable[tuple[Loc, str, Any]]:
    """Yield place, component and content of each table: a list of 0.3 and 0.4, a mapping of 0.2."""
    content = document.data.get(root) if isinstance(document.data, dict) else None
    tables = content.get("tables") if isinstance(content, dict) else None
    version = content.get("version") if isinstance(content, dict) else None
    if version is not None and version not in READABLE:
        message = f"version must be {', '.join(map(str, READABLE))}, not {brief(version)}"
        raise SpecError(document.fault((root, "version"), message))
    key = "actions" if root == "ERT" else "area"
    if isinstance(tables, dict):
        for name, body in tables.items():
            yield (root, "tables", name), str(name), body
    elif isinstance(tables, list):
        for i, body in enumerate(tables):
            loc: Loc = (root, "tables", i)
            if not isinstance(body, dict) or "name" not in body or key not in body:
                message = f"table must have name and {key}, not {brief(body)}"
                raise SpecError(document.fault(loc, message))
            yield loc, str(body["name"]), body[key]
    else:
        raise SpecError(document.fault((), f"must be an Accelergy {root} with {root}: tables"))


def _named(document: Document, loc: Loc, listed: Any) -> Iterable[tuple[Loc, str, Any]]:
    if isinstance(listed, dict):
        for name, body in listed.items():
            # 0.2 lists several energies of one action, one per set of arguments.
            for one in body if isinstance(body, list) else [body]:
                yield loc, str(name), one
    elif isinstance(listed, list):
        for i, body in enumerate(listed):
            if not isinstance(body, dict) or "name" not in body:
                message = f"action must have a name, not {brief(body)}"
                raise SpecError(document.fault((*loc, i), message))
            yield (*loc, i), str(body["name"]), body
    else:
        raise SpecError(document.fault(loc, f"actions must be a list, not {brief(listed)}"))


def _part(name: str, parts: Mapping[str, str]) -> dict[str, str]:
    component, part = place(name, parts)
    return {"part": part} if component is None else {"component": component, "part": part}
