"""The fields that an exploration can set, by their names: ``arch.PE2D.rows``, ``workload.E``, ``seq``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accelsim.job import Call

NAMES = ("design", "cascade", "arch", "mapping", "workload", "scope", "selection")
"""Fields whose value is the name of a spec (or of a choice): what they stand for is read from files."""

TABLES = ("arch", "workload", "cascade", "mapping")
"""Fields with entries of their own: of the architecture, ranks, parameters, of the mapping."""

PLAIN = (*NAMES, "seq")


def is_field(name: str) -> bool:
    """Whether a key of ``vary`` or ``set`` is a field (else it is a name of the study's own)."""
    head, _, rest = name.partition(".")
    return name in PLAIN or (head in TABLES and bool(rest))


def entries(settings: Mapping[str, Any], table: str) -> dict[str, Any]:
    """Return the entries of a table by their own names: ``{"PE2D.rows": 128}`` for ``arch``."""
    start = f"{table}."
    return {k.removeprefix(start): v for k, v in settings.items() if k.startswith(start)}


def nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``{"depth.Q": 2}`` as ``{"depth": {"Q": 2}}``."""
    found: dict[str, Any] = {}
    for dotted, value in flat.items():
        *parents, last = dotted.split(".")
        table = found
        for part in parents:
            table = table.setdefault(part, {})
        table[last] = value
    return found


def request_of(settings: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the arguments of ``accelsim.simulate`` that run a point again.

    None where entries of a mapping or parameters of the cascade are set, which it does not take.
    """
    if entries(settings, "mapping") or entries(settings, "cascade"):
        return None
    call = Call(
        ranks=entries(settings, "workload"),
        arch_set=entries(settings, "arch"),
        **{name: settings[name] for name in PLAIN if name in settings},
    )
    return call.to_dict()
