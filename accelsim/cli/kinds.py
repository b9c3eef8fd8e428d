"""The kinds of spec files: their models, and which kind a file is, by its place and its keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel

from accelsim.arch.expansion import ExpansionFile
from accelsim.arch.model import ArchSpec
from accelsim.cascade.load import CascadeSpec
from accelsim.cli.study import StudySpec
from accelsim.cli.zoo.model import ZooSpec
from accelsim.energy.model import CostFile
from accelsim.explore.study import ExplorationSpec
from accelsim.mapping.model import DesignSpec, MappingSpec
from accelsim.mapping.workload import WorkloadSpec
from accelsim.result.ratios import RatiosFile
from accelsim.result.table import PublishedFile
from accelsim.rows.pipeline import PipelineSpec
from accelsim.rows.schedule import ScheduleSpec

_MODELS: dict[str, type[BaseModel]] = {
    "arch": ArchSpec,
    "cascade": CascadeSpec,
    "costs": CostFile,
    "design": DesignSpec,
    "expansions": ExpansionFile,
    "exploration": ExplorationSpec,
    "mapping": MappingSpec,
    "pipeline": PipelineSpec,
    "published": PublishedFile,
    "ratios": RatiosFile,
    "schedule": ScheduleSpec,
    "study": StudySpec,
    "workload": WorkloadSpec,
    "zoo": ZooSpec,
}
_FILES = {"arch.yaml": "arch", "design.yaml": "design"}
_FOLDERS = {
    "costs": "costs",
    "expansions": "expansions",
    "workloads": "workload",
    "schedules": "schedule",
    "published": "published",
    "studies": "study",
    "explorations": "exploration",
    "einsum_cascades": "cascade",
    "zoo": "zoo",
}
# A key that only this kind has, first match first.
_TELLING = {
    "components": "arch",
    "forms": "zoo",
    "vary": "exploration",
    "blocks": "mapping",
    "holds": "pipeline",
    "keep_tokens": "schedule",
    "generates": "schedule",
    "unquantized_bits": "pipeline",
    "stages": "workload",
    "ways": "study",
    "lengths": "study",
    "columns": "published",
    "rows": "costs",
    "areas": "costs",
    "node": "costs",
    "arch": "design",
    "extends": "design",
    "designs": "study",
    "cascade": "cascade",
}


def models() -> dict[str, type[BaseModel]]:
    return dict(_MODELS)


def kind_of(path: Path, data: Any) -> str | None:
    """Return the kind of a spec file, None if neither its name, its folder nor its keys tell."""
    if path.name in _FILES:
        return _FILES[path.name]
    if isinstance(data, dict) and "figures" in data and "runs" in data:
        return "ratios"
    parent = path.absolute().parent
    if parent.name in _FOLDERS:
        return _FOLDERS[parent.name]
    if isinstance(data, dict):
        if "columns" in data and "table" in data:
            return "published"
        rows = data.get("rows")
        if isinstance(rows, list) and any(isinstance(r, dict) and "does" in r for r in rows):
            return "expansions"
        for key, kind in _TELLING.items():
            if key in data:
                return kind
    if any((parent / name).is_file() for name in _FILES):
        return "mapping"
    return None
