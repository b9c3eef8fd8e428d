"""What was asked, as plain data: the arguments of ``accelsim.simulate`` that give a result again."""

from __future__ import annotations

import shlex
from collections.abc import Mapping as Table
from dataclasses import dataclass, field, fields, replace
from typing import Any

from accelsim.errors import SpecError, nearest
from accelsim.job.job import Job
from accelsim.mapping import Selection, Workload
from accelsim.units import brief, format_count

DEFAULTS: dict[str, Any] = {"scope": "attention", "selection": "uniform"}
FLAGS = {"workload": "--workload", "scope": "--scope", "mapping": "--mapping"}


@dataclass(frozen=True, kw_only=True)
class Call:
    """The arguments of ``accelsim.simulate``, each a name, a path, a number or a table of them."""

    design: str | None = None
    cascade: str | None = None
    arch: str | None = None
    mapping: str | None = None
    workload: str | None = None
    seq: int | None = None
    scope: str = "attention"
    ranks: Table[str, int] = field(default_factory=dict)
    arch_set: Table[str, Any] = field(default_factory=dict)
    selection: str = "uniform"

    @classmethod
    def from_dict(cls, data: Any) -> Call:
        """Return the call that :meth:`to_dict` has written; SpecError names what is wrong."""
        if not isinstance(data, dict):
            raise SpecError(f"request must be a mapping of arguments, not {brief(data)}")
        types = {f.name: f.type for f in fields(cls)}
        for name, value in data.items():
            if name not in types:
                raise SpecError(
                    f"request must have arguments of simulate, not {name!r}{nearest(name, types)}"
                )
            wanted: type | tuple[type, ...] = (
                dict if name in {"ranks", "arch_set"} else int if name == "seq" else str
            )
            if not isinstance(value, wanted) or isinstance(value, bool):
                kind = {dict: "a mapping", int: "a whole number"}.get(wanted, "a text")  # type: ignore[arg-type]
                raise SpecError(f"request: {name} must be {kind}, not {brief(value)}")
        return cls(**data)

    @classmethod
    def naming(cls, **arguments: Any) -> Call | None:
        """Return the call with these arguments; None if one is an object that only this process has."""
        plain = {name: value for name, value in arguments.items() if value is not None}
        for name, value in plain.items():
            if name in {"ranks", "arch_set"}:
                plain[name] = dict(value)
            elif name == "seq":
                plain[name] = int(value)
            elif not isinstance(value, str):
                return None
        return cls(**plain)

    def to_dict(self) -> dict[str, Any]:
        """Return what differs from the defaults, as ``simulate(**...)`` takes it."""
        found: dict[str, Any] = {}
        for one in fields(self):
            value = getattr(self, one.name)
            if value in (None, {}) or DEFAULTS.get(one.name) == value:
                continue
            found[one.name] = dict(value) if isinstance(value, Table) else value
        return found

    def job(self) -> Job:
        job = Job.of(
            self.design,
            cascade=self.cascade,
            arch=self.arch,
            mapping=self.mapping,
            arch_set=dict(self.arch_set),
        )
        return replace(job, selection=Selection.load(self.selection))

    def load(self, job: Job) -> Workload:
        return job.load(self.workload, self.seq, dict(self.ranks))

    def command(self) -> str:
        """Return the command line that runs it: ``accelsim run fusemax --seq 64K``."""
        words = ["accelsim", "run", *(w for w in (self.design, self.cascade, self.arch) if w)]
        if self.seq is not None:
            words += ["--seq", format_count(self.seq)]
        for name, flag in FLAGS.items():
            value = getattr(self, name)
            if value is not None and DEFAULTS.get(name) != value:
                words += [flag, value]
        for rank, size in self.ranks.items():
            words += ["--set", f"{rank}={size}"]
        for name, value in self.arch_set.items():
            words += ["--arch-set", f"{name}={_plain(value)}"]
        if self.selection != DEFAULTS["selection"]:
            words += ["--selection", self.selection]
        return shlex.join(words)

    def python(self) -> str:
        """Return the call as Python."""
        arguments = self.to_dict()
        first = [repr(arguments.pop("design"))] if "design" in arguments else []
        inside = ", ".join([*first, *(f"{name}={value!r}" for name, value in arguments.items())])
        return f"import accelsim as acs\n\nreport = acs.simulate({inside})\nprint(report)\n"


def _plain(value: Any) -> str:
    """Return a value as YAML has it on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else str(value)


__all__ = ["Call"]
