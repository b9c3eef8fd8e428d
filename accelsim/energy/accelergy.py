"""Accelergy's files: read its energy and area reference tables, write its action counts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import yaml

from accelsim.energy.tables import CostTable
from accelsim.errors import SpecError
from accelsim.sim.activity import Activity
from accelsim.specs import Document, read
from accelsim.specs.reader import Loc, read_text
from accelsim.units import brief

_INSTANCES = re.compile(r"\[(\d+)\.\.(\d+)\]")
_VERSION = 0.4
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
    to a part, or to ``COMPONENT part`` to price it in one component only; ``actions`` renames its
    actions (``{"update": "write"}``). The arguments of an action become conditions of its row.
    Energies are pJ, areas um^2.
    """
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
    # Through text, so that faults of the table have a place.
    text = yaml.safe_dump(data, sort_keys=False)
    return CostTable.from_document(read_text(text, str(ert)))


def action_counts(activity: Activity) -> str:
    """Return the counts of a stage as Accelergy's action_counts YAML, ordered and exact."""
    counts: dict[str, dict[str, Fraction]] = {}
    for act in activity.actions:
        # Accelergy knows one class a component: an array's adders are components of their own.
        name = act.component if act.part in {"dram", "buffer"} else f"{act.component}.{act.part}"
        own = counts.setdefault(name, {})
        own[act.action] = own.get(act.action, Fraction(0)) + act.count
    subtree = [
        {
            "name": activity.arch,
            "local": [
                {
                    "name": name,
                    "action_counts": [
                        {"name": action, "counts": _plain(count)}
                        for action, count in sorted(counts[name].items())
                    ],
                }
                for name in sorted(counts)
            ],
        }
    ]
    data = {"action_counts": {"version": _VERSION, "subtree": subtree}}
    return yaml.safe_dump(data, sort_keys=False)


def _energy_rows(
    document: Document, parts: Mapping[str, str], actions: Mapping[str, str]
) -> Iterable[dict[str, Any]]:
    for loc, name, listed in _tables(document, "ERT"):
        for place, action, body in _named(document, (*loc, "actions"), listed):
            energy = body.get("energy", body.get("max")) if isinstance(body, dict) else body
            if isinstance(energy, dict):
                energy = energy.get("average", energy.get("max"))
            if isinstance(energy, bool) or not isinstance(energy, int | float):
                message = f"energy must be a number of pJ, not {brief(energy)}"
                raise SpecError(document.fault(place, message))
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
        if isinstance(area, bool) or not isinstance(area, int | float):
            message = f"area must be a number of um^2, not {brief(area)}"
            raise SpecError(document.fault(loc, message))
        yield {
            **_part(name, parts),
            "area_um2": area,
            "source": f"Accelergy, {Path(document.path).name}, {name}",
        }


def _tables(document: Document, root: str) -> Iterable[tuple[Loc, str, Any]]:
    """Yield place, component and content of each table: a list of 0.3 and 0.4, a mapping of 0.2."""
    content = document.data.get(root) if isinstance(document.data, dict) else None
    tables = content.get("tables") if isinstance(content, dict) else None
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
    leaf = _INSTANCES.sub("", name).rsplit(".", maxsplit=1)[-1]
    words = parts.get(leaf, leaf).split()
    if len(words) == 1:
        return {"part": words[0]}
    return {"component": words[0], "part": " ".join(words[1:])}


def _plain(count: Fraction) -> int | float:
    return count.numerator if count.denominator == 1 else float(count)
