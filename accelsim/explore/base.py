"""What a point is made of before anything is changed: contents of the files that its names stand for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import accelsim
from accelsim.arch.means import STANDARD
from accelsim.energy.tables import CostTable
from accelsim.explore.axis import canonical, measure
from accelsim.explore.build import Build
from accelsim.explore.fields import NAMES
from accelsim.job.given import AUTO, shipped
from accelsim.mapping import Design
from accelsim.specs import find, read
from accelsim.specs.expr import Number

_WORDS = ("name", "summary", "source")  # of a file: they change no figure
_LAYERS = (  # what a figure depends on, besides the specs
    "accelsim/errors.py",
    "accelsim/kept.py",
    "accelsim/ops.py",
    "accelsim/units.py",
    "accelsim/specs/",
    "accelsim/arch/",
    "accelsim/cascade/",
    "accelsim/mapping/",
    "accelsim/replay/",
    "accelsim/sim/",
    "accelsim/energy/",
    "accelsim/result/",
    "accelsim/job/",
    "accelsim/explore/build.py",
    "accelsim/explore/evaluate.py",
)


@dataclass(frozen=True, kw_only=True)
class Base:
    """The files behind the names of a point: a digest of their contents, and what they say of fields.

    ``values`` are the fields as the files have them, ``facts`` those that conditions can read.
    """

    digest: str
    values: Mapping[str, Any]
    facts: Mapping[str, Number]

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Base:
        """Read every file that the names in ``settings`` lead to; other settings are passed over."""
        names = base_names(settings)
        build = Build.of(names)
        job, load = build.job, build.workload
        parts: dict[str, Any] = {
            "arch": _without_words(job.arch.document.data),
            "expansions": _file("expansions", STANDARD),
            "costs": [_without_words(x.document.data) for x in CostTable.load(job.costs).layers],
            "cascade": _cascade(names, job.cascade.name),
            "workload": [_without_words(load.spec.model_dump(mode="json"))],
            "scope": build.scope,
            "selection": _selection(names),
            "objective": list(job.objective),
            "mapping": _mappings(names, job.arch, job.cascade.name),
            "variants": {k: _file("cascade", v) for k, v in sorted(job.variants.items())},
        }
        for stage in load.stages:
            if stage.scope != "attention" and build.scope != "attention":
                own = [_file("mapping", n) for n in shipped(job.arch, stage.cascade)]
                parts[f"stage {stage.name}"] = [_file("cascade", stage.cascade), own]
        values = _values(job.arch.document.data, dict(load.ranks))
        values["seq"] = load.seq
        facts = {name: n for name, v in values.items() if (n := measure(v)) is not None}
        return cls(digest=digest(parts), values=values, facts=facts)


def base_names(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that name files: points with the same ones share a base."""
    found = {name: settings[name] for name in NAMES if settings.get(name) is not None}
    if "arch.costs" in settings:
        found["arch.costs"] = settings["arch.costs"]
    return found


def digest(data: Any) -> str:
    """Return the SHA-256 of data as canonical JSON."""
    text = json.dumps(canonical(data), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def model_version() -> str:
    """Return the version of the model: that of the package, and a digest of the code behind a figure."""
    root = Path(accelsim.__file__).parent
    found = hashlib.sha256()
    for entry in _LAYERS:
        path = root.parent / entry
        files = [path] if path.is_file() else sorted(path.rglob("*.py"))
        for file in files:
            found.update(f"{file.relative_to(root.parent)}\n".encode())
            found.update(file.read_bytes())
    return f"{accelsim.__version__}+{found.hexdigest()[:12]}"


def _values(arch: Any, ranks: Mapping[str, int]) -> dict[str, Any]:
    found: dict[str, Any] = {f"workload.{name}": size for name, size in ranks.items()}
    for key, value in arch.items():
        if key == "components":
            for name, component in value.items():
                found |= {f"arch.{name}.{field}": entry for field, entry in component.items()}
        else:
            found[f"arch.{key}"] = value
    return found


def _mappings(names: Mapping[str, Any], arch: Any, cascade: str) -> Any:
    """Return the contents of every mapping that may be taken, with the conditions of a design."""
    wanted = names.get("mapping")
    if wanted == AUTO:
        return AUTO
    if wanted is not None:
        return _file("mapping", wanted)
    if names.get("design") is None:
        folder = Path(arch.document.path).parent
        beside = sorted(p for p in folder.glob("*.yaml") if p.name.split(".")[0] == cascade)
        own = [_file("mapping", name) for name in shipped(arch, cascade)]
        return [own, [_without_words(read(path).data) for path in beside]]
    design = Design.load(names["design"])
    entries = design.spec.mapping
    if isinstance(entries, str):
        return _file("mapping", entries if "/" in entries else f"{design.spec.arch}/{entries}")
    return [
        [
            entry.model_dump(exclude={"use"}),
            _file("mapping", entry.use if "/" in entry.use else f"{design.spec.arch}/{entry.use}"),
        ]
        for entry in entries
    ]


def _cascade(names: Mapping[str, Any], own: str) -> Any:
    if names.get("cascade") is not None:
        return _file("cascade", names["cascade"])
    if names.get("design") is not None:
        return _file("cascade", Design.load(names["design"]).spec.cascade)
    return own


def _selection(names: Mapping[str, Any]) -> Any:
    name = names.get("selection", "uniform")
    return _without_words(read(name).data) if "/" in name or name.endswith("yaml") else name


def _file(kind: str, name: str) -> Any:
    return _without_words(read(find.path(kind, name)).data)


def _without_words(data: Any) -> Any:
    return {k: v for k, v in data.items() if k not in _WORDS} if isinstance(data, dict) else data
