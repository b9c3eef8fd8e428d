"""JSON Schemas of the spec models, for editors that complete and check YAML."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_text(model: type[BaseModel]) -> str:
    """Return one model's schema as JSON; equal models give equal bytes."""
    schema = model.model_json_schema(mode="validation")
    return json.dumps({"$schema": _DIALECT, **schema}, indent=2, ensure_ascii=False) + "\n"


def write_schemas(models: Mapping[str, type[BaseModel]], folder: str | Path) -> list[Path]:
    """Write ``NAME.json`` for each model into a folder, made if need be; return the files."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    written = []
    for name, model in sorted(models.items()):
        file = target / f"{name}.json"
        file.write_text(schema_text(model), encoding="utf-8")
        written.append(file)
    return written
