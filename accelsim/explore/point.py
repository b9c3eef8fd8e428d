"""One point of a space: the values that make it, and every field that they set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from accelsim.explore.axis import canonical
from accelsim.explore.base import Base, base_names, digest, model_version
from accelsim.explore.store import StoreError


@dataclass(frozen=True, kw_only=True)
class Point:
    """``place`` has the number of each axis' level (-1: not varied), ``values`` its label.

    ``settings`` are all fields that are set, those of the study's base included.
    """

    place: tuple[int, ...]
    values: Mapping[str, Any]
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Keys:
    """Gives each point the key of its result: contents, not names, and the version of the model."""

    _bases: dict[tuple[tuple[str, str], ...], tuple[Mapping[str, Any], Base]] = field(
        default_factory=dict
    )

    def base(self, settings: Mapping[str, Any]) -> Base:
        """Return what the names in the settings stand for, read once."""
        names = base_names(settings)
        found = tuple((key, str(value)) for key, value in names.items())
        if found not in self._bases:
            self._bases[found] = (names, Base.of(names))
        return self._bases[found][1]

    def again(self) -> None:
        """Forget what was read."""
        self._bases.clear()

    def check(self) -> None:
        """Hold what was read against the files as they are now: StoreError where the contents differ."""
        for names, base in self._bases.values():
            if Base.of(names).digest != base.digest:
                of = ", ".join(f"{name} {value}" for name, value in names.items())
                raise StoreError(
                    f"the files of {of} have changed since the study began: run it again; what is stored"
                    " belongs to the files as they were"
                )

    def key(self, settings: Mapping[str, Any]) -> str:
        """Return 64 hexadecimal digits: the same for the same machine, sizes and model.

        A field that is set to what the files say already counts as not set.
        """
        base = self.base(settings)
        changes = {
            name: value
            for name, value in settings.items()
            if "." in name
            and not (name in base.values and canonical(base.values[name]) == canonical(value))
        }
        seq = settings.get("seq") or base.values["seq"]
        return digest([model_version(), base.digest, seq, changes])
