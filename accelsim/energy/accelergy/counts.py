"""Accelergy's action counts: written from a run, read from a file, and priced by a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import yaml

from accelsim.energy.accelergy.names import VERSION, place
from accelsim.energy.accelergy.write import plain
from accelsim.energy.tables import CostTable
from accelsim.errors import SpecError
from accelsim.sim.activity import Activity
from accelsim.specs import Document, read
from accelsim.specs.reader import Loc
from accelsim.units import brief


@dataclass(frozen=True, kw_only=True)
class Counted:
    """How often a component (by its full name) does an action with these arguments."""

    name: str
    action: str
    count: Fraction
    arguments: Mapping[str, Any] = field(default_factory=dict)


def action_counts(activity: Activity, *, without: Iterable[tuple[str, str, str]] = ()) -> str:
    """Return the counts of a stage as Accelergy's action_counts YAML, ordered and exact.

    ``without`` are (component, part, action) that a table leaves out of its total.
    """
    left_out = set(without)
    counts: dict[str, dict[str, Fraction]] = {}
    for act in activity.actions:
        if (act.component, act.part, act.action) in left_out:
            continue
        # Accelergy knows one class a component: an array's adders are components of their own.
        own = counts.setdefault(f"{act.component}.{act.part}", {})
        own[act.action] = own.get(act.action, Fraction(0)) + act.count
    subtree = [
        {
            "name": activity.arch,
            "local": [
                {
                    "name": name,
                    "action_counts": [
                        {"name": action, "counts": plain(count)}
                        for action, count in sorted(counts[name].items())
                    ],
                }
                for name in sorted(counts)
            ],
        }
    ]
    data = {"action_counts": {"version": VERSION, "subtree": subtree}}
    return yaml.safe_dump(data, sort_keys=False)


def read_counts(path: str | Path) -> list[Counted]:
    """Return the counts of an ``action_counts.yaml``, of a tree or flat; SpecError says what is wrong."""
    document = read(path)
    data = document.data
    top = data.get("action_counts") if isinstance(data, dict) else None
    if not isinstance(top, dict) or not any(key in top for key in ("local", "subtree")):
        message = "must be Accelergy's action counts: action_counts with local or subtree"
        raise SpecError(document.fault((), message))
    return list(_tree(document, top, ("action_counts",), ""))


def counted_pj(
    counts: Iterable[Counted], table: CostTable, parts: Mapping[str, str] | None = None
) -> dict[str, Fraction]:
    """Return the energy in pJ by full name; SpecError names the row that the table lacks."""
    found: dict[str, Fraction] = {}
    for one in counts:
        component, part = place(one.name, parts or {})
        numbers = {k: v for k, v in one.arguments.items() if isinstance(v, int)}
        cost = table.cost(part, one.action, numbers, component or "")
        found[one.name] = found.get(one.name, Fraction(0)) + cost.pj * one.count
    return found


def _tree(document: Document, node: Mapping[str, Any], loc: Loc, above: str) -> Iterator[Counted]:
    for key in ("local", "subtree"):
        listed = node.get(key) or []
        if not isinstance(listed, list):
            message = f"{key} must be a list, not {brief(listed)}"
            raise SpecError(document.fault((*loc, key), message))
        for n, one in enumerate(listed):
            here: Loc = (*loc, key, n)
            if not isinstance(one, dict) or not isinstance(one.get("name"), str):
                raise SpecError(document.fault(here, f"must have a name, not {brief(one)}"))
            name = f"{above}.{one['name']}" if above else one["name"]
            if key == "subtree":
                yield from _tree(document, one, here, name)
            else:
                yield from _actions(document, one, here, name)


def _actions(document: Document, node: Mapping[str, Any], loc: Loc, name: str) -> Iterator[Counted]:
    listed = node.get("action_counts")
    if not isinstance(listed, list):
        message = f"{name} must have action_counts, a list, not {brief(listed)}"
        raise SpecError(document.fault(loc, message))
    for n, one in enumerate(listed):
        here: Loc = (*loc, "action_counts", n)
        if not isinstance(one, dict) or not isinstance(one.get("name"), str):
            raise SpecError(document.fault(here, f"action must have a name, not {brief(one)}"))
        count = one.get("counts")
        if isinstance(count, bool) or not isinstance(count, int | float) or not 0 <= count < 1e300:
            message = f"counts must be a number of at least 0, not {brief(count)}"
            raise SpecError(document.fault((*here, "counts"), message))
        yield Counted(
            name=name,
            action=one["name"],
            count=Fraction(str(count)),
            arguments=dict(one.get("arguments") or {}),
        )
