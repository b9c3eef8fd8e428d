"""The way from a published design to its physical twin: one idealisation switched off at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from accelsim.cli.comparing import lengths_of
from accelsim.cli.study import Step, Study, Way, shipped
from accelsim.errors import InfeasibleError
from accelsim.job import Job
from accelsim.mapping import Mapping, Workload
from accelsim.result import Report
from accelsim.result.text import table
from accelsim.units import format_count


@dataclass(frozen=True, kw_only=True)
class Item:
    """A design after one more change; None where it cannot run."""

    name: str
    cycles: int | None
    energy_pj: float | None
    traffic_bytes: float | None
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Itemised:
    """A way at one point: first the start, last the end."""

    start: str
    end: str
    workload: str
    length: int
    items: tuple[Item, ...]

    def to_dict(self) -> dict[str, Any]:
        rows = []
        for item, before in self._steps():
            rows.append(
                {
                    "change": item.name,
                    "cycles": item.cycles,
                    "energy_pj": item.energy_pj,
                    "traffic_bytes": item.traffic_bytes,
                    "cycles_change": _change(item.cycles, before.cycles if before else None),
                    "energy_change": _change(item.energy_pj, before.energy_pj if before else None),
                    "refused": item.why,
                }
            )
        return {
            "from": self.start,
            "to": self.end,
            "workload": self.workload,
            "length": self.length,
            "rows": rows,
        }

    @property
    def title(self) -> str:
        point = f"{self.workload} at {format_count(self.length)}"
        return f"{self.start} to {self.end}, {point}"

    def grid(self) -> list[list[str]]:
        heads = ["change", "cycles", "by", "energy (pJ)", "by", "traffic (B)"]
        rows = [heads]
        for item, before in self._steps():
            if item.cycles is None:
                rows.append([f"{item.name}: cannot run: {item.why}", "-", "-", "-", "-", "-"])
                continue
            rows.append(
                [
                    item.name,
                    f"{item.cycles:,}",
                    _percent(_change(item.cycles, before.cycles if before else None)),
                    "-" if item.energy_pj is None else f"{item.energy_pj:.4e}",
                    _percent(_change(item.energy_pj, before.energy_pj if before else None)),
                    f"{item.traffic_bytes:,.0f}",
                ]
            )
        return rows

    def markdown(self) -> str:
        heads, *rows = self.grid()
        lines = [f"**{self.title}**", "", f"| {' | '.join(heads)} |", "|---" + "|--:" * 5 + "|"]
        return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])

    def __str__(self) -> str:
        heads, *rows = self.grid()
        return f"{self.title}\n{table(heads, rows)}"

    def _steps(self) -> Iterator[tuple[Item, Item | None]]:
        """Yield each item with the last one before it that could run."""
        before: Item | None = None
        for item in self.items:
            yield item, before
            if item.cycles is not None:
                before = item


def studies_of(source: str) -> list[Study]:
    """Return the shipped studies that belong to a source of published figures."""
    found = [Study.load(name) for name in shipped()]
    return [study for study in found if study.spec.published == source]


def itemise(study: Study, progress: Callable[[str], None]) -> list[Itemised]:
    """Run every way of a study at each of its points."""
    found = []
    for way in study.spec.ways:
        for name in study.spec.workloads:
            for length in lengths_of(study):
                progress(f"{way.end} {name} {format_count(length)}")
                load = Workload.load(name, length)
                items = tuple(_items(way, load, study.spec.scope))
                found.append(
                    Itemised(
                        start=way.start, end=way.end, workload=name, length=length, items=items
                    )
                )
    return found


def _items(way: Way, load: Workload, scope: str) -> Iterable[Item]:
    yield _item(f"{way.start}", Job.of(way.start).report(load, scope=scope))
    done = Step(name=way.start, design=way.start)
    for step in way.steps:
        done = _together(done, step)
        try:
            report = _job(done).report(load, scope=scope)
        except InfeasibleError as error:
            why = str(error).splitlines()[0]
            yield Item(name=step.name, cycles=None, energy_pj=None, traffic_bytes=None, why=why)
            continue
        yield _item(step.name, report)
    yield _item(f"{way.end}: {way.rest}", Job.of(way.end).report(load, scope=scope))


def _together(done: Step, step: Step) -> Step:
    """Return a step with those before it; a new design forgets the changes to the old one."""
    if step.design is not None:
        return step
    return Step(
        name=step.name,
        design=done.design,
        mapping=step.mapping or done.mapping,
        arch_set={**done.arch_set, **step.arch_set},
        mapping_set={**done.mapping_set, **step.mapping_set},
    )


def _job(step: Step) -> Job:
    assert step.design is not None
    job = Job.of(step.design, arch_set=step.arch_set, mapping=step.mapping)
    if not step.mapping_set:
        return job
    found = job.mappings
    assert found is not None  # a design has mappings

    def changed(ranks: Any) -> list[Mapping]:
        return [
            Mapping.from_document(mapping.document, mapping.name, step.mapping_set)
            for mapping in found(ranks)
        ]

    return replace(job, mappings=changed)


def _item(name: str, report: Report) -> Item:
    energy = report.energy
    return Item(
        name=name,
        cycles=report.cycles,
        energy_pj=None if energy is None else float(energy.total_pj),
        traffic_bytes=float(sum(transfer.bytes for transfer in report.activity.transfers)),
    )


def _change(now: float | None, before: float | None) -> float | None:
    return now / before - 1 if now is not None and before else None


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:+.2%}"
