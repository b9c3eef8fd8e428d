"""Where specs live: names of the shipped ones, and the file behind a name or a path."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from accelsim.errors import SpecError, nearest
from accelsim.units import brief


@dataclass(frozen=True, kw_only=True)
class _Kind:
    """A kind of spec: the folder it ships in, its files there, and what a folder of the user holds.

    ``without`` are the files of an architecture's folder that are not of this kind; folders that
    have none of them (cost tables, published figures) are passed over. Nor are files of this kind
    whose name begins with ``besides``.
    """

    package: str
    pattern: str
    without: tuple[str, ...] = ()
    inside: str | None = None
    besides: str | None = None


_OWN_FILES = ("arch.yaml", "design.yaml")

_KINDS = {
    "cascade": _Kind(package="einsum_cascades", pattern="*.yaml"),
    "workload": _Kind(package="einsum_cascades", pattern="workloads/*.yaml"),
    "schedule": _Kind(package="einsum_cascades", pattern="schedules/*.yaml"),
    "tensors": _Kind(package="einsum_cascades", pattern="tensors/*.npz"),
    "arch": _Kind(package="arch_specs", pattern="*/arch.yaml", inside="arch.yaml"),
    "design": _Kind(package="arch_specs", pattern="*/design.yaml", inside="design.yaml"),
    "costs": _Kind(package="arch_specs", pattern="costs/*.yaml"),
    "expansions": _Kind(package="arch_specs", pattern="expansions/*.yaml"),
    "mapping": _Kind(
        package="arch_specs", pattern="*/*.yaml", without=_OWN_FILES, besides="pipeline"
    ),
    "pipeline": _Kind(package="arch_specs", pattern="*/pipeline*.yaml", without=_OWN_FILES),
}

KINDS = tuple(_KINDS)


def names(kind: str) -> list[str]:
    """Return the names of the shipped specs of a kind, sorted.

    A mapping's name has its folder: ``fusemax/attention_1pass``.
    """
    return sorted(_shipped(kind))


def path(kind: str, name_or_path: str | Path) -> Path:
    """Return the file of a shipped name, or of a path (it has a slash or ends in .yaml).

    SpecError if there is none, with the nearest name.
    """
    shipped = _shipped(kind)
    name = str(name_or_path)
    if name in shipped:
        return shipped[name]
    if not _is_path(name):
        raise SpecError(f"unknown {kind} {brief(name)}{nearest(name, shipped)}")
    try:
        found = Path(name).expanduser()
        inside = _KINDS[kind].inside
        if inside and found.is_dir():
            found = found / inside
        is_file = found.is_file()
    except (OSError, ValueError, RuntimeError):
        is_file = False
    if not is_file:
        hint = nearest(name, shipped)
        suffix = hint if "did you mean" in hint else ""
        raise SpecError(f"{kind} must be a name or a file, not {brief(name)}{suffix}")
    return found


def folder(package: str) -> Path:
    """Return the folder of shipped files: ``einsum_cascades`` or ``arch_specs``."""
    try:
        return Path(str(files(f"accelsim.{package}")))
    except ModuleNotFoundError:  # a checkout that is not installed
        return Path(__file__).resolve().parents[2] / package


def _is_path(name: str) -> bool:
    return "/" in name or "\\" in name or name.endswith((".yaml", ".yml", ".npz"))


@cache
def _shipped(kind: str) -> dict[str, Path]:
    if kind not in _KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, not {kind!r}")
    spec = _KINDS[kind]
    root = folder(spec.package)
    found: dict[str, Path] = {}
    for file in root.glob(spec.pattern):
        if spec.besides and file.name.startswith(spec.besides):
            continue
        if not spec.without:
            found[file.parent.name if spec.inside else file.stem] = file
        elif file.name not in spec.without and any(
            (file.parent / name).exists() for name in spec.without
        ):
            found[f"{file.parent.name}/{file.stem}"] = file
    return found
