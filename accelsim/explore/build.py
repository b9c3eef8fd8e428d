"""From the settings of a point to what is run: a job, a workload, a scope."""

from __future__ import annotations

from collections.abc import Mapping as Table
from dataclasses import dataclass, replace
from typing import Any

from accelsim.errors import SpecError, nearest
from accelsim.explore.fields import entries, nested
from accelsim.job import ATTENTION, Job
from accelsim.job.given import AUTO, Choice
from accelsim.mapping import Mapping, Selection, Workload
from accelsim.result import Report

DEFAULT = "bert"  # the workload that is meant if nothing says another


@dataclass(frozen=True, kw_only=True)
class Build:
    """A point, ready to be simulated."""

    job: Job
    workload: Workload
    scope: str

    @classmethod
    def of(cls, settings: Table[str, Any]) -> Build:
        """Read what the settings name and change it; SpecError says which field cannot be."""
        job = _job(settings)
        selection = settings.get("selection")
        if selection:
            job = replace(job, selection=Selection.load(_text("selection", selection)))
        changes = entries(settings, "mapping")
        if changes:
            job = replace(job, mappings=_changed(job, nested(changes)))
        return cls(
            job=job,
            workload=_workload(job, settings),
            scope=_text("scope", settings.get("scope", ATTENTION)),
        )

    def mappings(self) -> list[Mapping]:
        """Read the mappings that may be taken; SpecError for an entry that none has."""
        found = self.job.mappings
        return [
            mapping
            for stage in self.workload.stages
            if stage.scope == ATTENTION and found is not None
            for mapping in found({**self.job.arch.symbols(), **stage.ranks})
        ]

    def report(self) -> Report:
        return self.job.report(self.workload, scope=self.scope)

    def figures(self) -> dict[str, Any]:
        """Return what the report says, as ``to_dict`` has it."""
        return self.job.figures(self.workload, scope=self.scope)


def _job(settings: Table[str, Any]) -> Job:
    names = {
        key: _text(key, settings[key])
        for key in ("design", "cascade", "arch", "mapping")
        if settings.get(key) is not None
    }
    wanted = names.pop("mapping", None)
    given = None if wanted == AUTO else wanted
    job = Job.of(**names, mapping=given, arch_set=_arch_set(settings))
    return replace(job, mappings=None) if wanted == AUTO else job


def _arch_set(settings: Table[str, Any]) -> dict[str, Any]:
    return entries(settings, "arch")


def _workload(job: Job, settings: Table[str, Any]) -> Workload:
    """Return the workload with its ranks; parameters of the cascade go to its attention stages."""
    ranks = {key: _whole(f"workload.{key}", v) for key, v in entries(settings, "workload").items()}
    seq = settings.get("seq")
    length = None if seq is None else _whole("seq", seq)
    name = settings.get("workload")
    name = None if name is None else _text("workload", name)
    load = job.load(name, length, ranks)
    params = {key: _whole(f"cascade.{key}", v) for key, v in entries(settings, "cascade").items()}
    if not params:
        return load
    known = {*job.cascade.params, *job.cascade.shape_names}
    for key in params:
        if key not in known:
            raise SpecError(
                f"cascade.{key} must be a parameter of {job.cascade.name}{nearest(key, known)}"
            )
    stages = tuple(
        replace(s, ranks={**s.ranks, **params}) if s.scope == ATTENTION else s for s in load.stages
    )
    return replace(load, stages=stages, extra={**load.extra, **params})


def _changed(job: Job, changes: dict[str, Any]) -> Choice:
    """Return the choice among the job's mappings with entries of each replaced."""
    found = job.mappings
    if found is None:
        raise SpecError("mapping must have a name where its entries are set, not auto")

    def choice(ranks: Table[str, Any]) -> list[Mapping]:
        return [
            replace(
                Mapping.from_document(mapping.document, mapping.name, changes),
                fallback=mapping.fallback,
            )
            for mapping in found(ranks)
        ]

    return choice


def _text(key: str, value: Any) -> str:
    if not isinstance(value, str):
        raise SpecError(f"{key} must be a name, not {value!r}")
    return value


def _whole(key: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise SpecError(f"{key} must be a whole number of at least 1, not {value!r}")
    return value
