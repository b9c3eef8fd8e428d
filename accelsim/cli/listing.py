"""``accelsim list``: names and summaries of what is shipped."""

from __future__ import annotations

import json
from pathlib import Path

from accelsim import engines
from accelsim.cli import study
from accelsim.cli.flags import choice
from accelsim.engines import machine_class, model_class
from accelsim.explore import exploration
from accelsim.specs import find, names, path, read

_PLURALS = {
    "cascades": "cascade",
    "archs": "arch",
    "mappings": "mapping",
    "pipelines": "pipeline",
    "workloads": "workload",
    "schedules": "schedule",
    "designs": "design",
    "costs": "costs",
}
KINDS = (*_PLURALS, "studies", "explorations", "published", "engines")


def listing(kind: str | None, *, as_json: bool) -> None:
    wanted = KINDS if kind is None else (choice(kind, KINDS, "what to list"),)
    found = {each: _summaries(each) for each in wanted}
    if as_json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
        return
    blocks = [
        "\n".join([f"{each}:", *_lines(entries)]) if entries else f"{each}: none"
        for each, entries in found.items()
    ]
    print("\n\n".join(blocks))


def _summaries(kind: str) -> dict[str, str]:
    if kind == "engines":
        classes: dict[str, type] = {name: model_class(name) for name in engines.NAMES}
        classes |= {name: machine_class(name) for name in engines.MACHINES}
        return {name: _first_sentence(classes[name]) for name in sorted(classes)}
    return {name: _summary(file) for name, file in files(kind).items()}


def _first_sentence(model: type) -> str:
    return (model.__doc__ or "").split("\n\n")[0].strip()


def files(kind: str) -> dict[str, Path]:
    """Return the files of the shipped specs by name."""
    if kind == "studies":
        return study.shipped()
    if kind == "explorations":
        return exploration.shipped()
    if kind == "published":
        return {f.stem: f for f in sorted((find.folder("arch_specs") / "published").glob("*.yaml"))}
    return {name: path(_PLURALS[kind], name) for name in names(_PLURALS[kind])}


def _lines(entries: dict[str, str]) -> list[str]:
    width = max(map(len, entries))
    return [f"  {name:<{width}}  {_short(text)}".rstrip() for name, text in entries.items()]


def _summary(file: Path) -> str:
    data = read(file).data
    if not isinstance(data, dict):
        return ""
    return str(data.get("summary") or data.get("source") or "")


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= 90 else words[:87].rsplit(" ", 1)[0] + " ..."
