"""Writes Accelergy's reference tables: what each action and each part of a run costs."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import yaml

from accelsim.energy.accelergy.names import VERSION, full_name
from accelsim.energy.account import Area, Energy
from accelsim.energy.components import parts


def ert(energy: Energy, arch: str) -> str:
    """Return the energy in pJ of each action that a run has done, as ``ERT.yaml``.

    Counted with the counts of the same run it gives the run's energy, less what the total leaves out.
    """
    pj: dict[tuple[str, str, str], Fraction] = {}
    count: dict[tuple[str, str, str], Fraction] = {}
    for charge in energy.by_action:
        key = (charge.component, charge.part, charge.action)
        pj[key] = pj.get(key, Fraction(0)) + charge.pj
        count[key] = count.get(key, Fraction(0)) + charge.count
    tables: dict[str, list[dict[str, object]]] = {}
    for component, part, action in sorted(pj):
        each = pj[component, part, action] / count[component, part, action]
        tables.setdefault(full_name(arch, component, part), []).append(
            {"name": action, "arguments": {}, "energy": plain(each)}
        )
    listed = [{"name": name, "actions": actions} for name, actions in tables.items()]
    return yaml.safe_dump({"ERT": {"version": VERSION, "tables": listed}}, sort_keys=False)


def art(area: Area, components: Mapping[str, Mapping[str, int]], arch: str) -> str:
    """Return the area in um^2 of one instance of each part, as ``ART.yaml``.

    The name says how many there are: ``fusemax.PE2D.mac[1..65536]``.
    """
    tables = []
    for part in parts(components):
        if not part.instances:
            continue
        each = area.by_part[part.component, part.part] / part.instances
        name = full_name(arch, part.component, part.part)
        if part.instances > 1:
            name += f"[1..{part.instances}]"
        tables.append({"name": name, "area": plain(each)})
    return yaml.safe_dump({"ART": {"version": VERSION, "tables": tables}}, sort_keys=False)


def plain(value: Fraction) -> int | float:
    """Return a whole number as int, any other as the nearest float."""
    return value.numerator if value.denominator == 1 else float(value)
