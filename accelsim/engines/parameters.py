"""Parameters: what engines and machines share, a frozen dataclass whose fields have bounds and a meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, ClassVar, Self, TypeVar, get_type_hints

from accelsim.errors import Fault, SpecError, nearest

_Parameter = TypeVar("_Parameter")


def parameter(
    default: _Parameter, doc: str, *, low: int | None = None, high: int | None = None
) -> _Parameter:
    """Declare a parameter of an engine: its default, what it says (with unit), its bounds."""
    found: _Parameter = field(default=default, metadata={"doc": doc, "low": low, "high": high})
    return found


@dataclass(frozen=True, kw_only=True)
class Parametric:
    """Something with parameters, made from keywords or from texts.

    Raises SpecError if a parameter is out of its bounds.
    """

    name: ClassVar[str]
    """Its entry in the registry, and the name of its module here and in accelsim.rtl."""

    def __post_init__(self) -> None:
        hints = get_type_hints(type(self))
        for declared in fields(self):
            self._check_bounds(declared.name, hints[declared.name], declared.metadata)
        self.check()

    def check(self) -> None:
        """Raise :meth:`fault` if the parameters do not go together."""

    @property
    def parameters(self) -> dict[str, Any]:
        """Values by name, in the order of declaration."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    def fault(self, text: str) -> SpecError:
        return SpecError(f"{self.name}: {text}")

    @classmethod
    def of(cls, settings: Mapping[str, str]) -> Self:
        """Make one from texts such as {"width": "16"}; SpecError lists every fault."""
        return cls(**cls.read(settings))

    @classmethod
    def read(cls, settings: Mapping[str, str]) -> dict[str, Any]:
        """Return the values of parameters given as texts; SpecError lists every fault."""
        hints = get_type_hints(cls)
        known = {each.name: hints[each.name] for each in fields(cls)}
        faults, values = [], {}
        for name, text in settings.items():
            if name not in known:
                hint = nearest(name, known)
                faults.append(Fault(message=f"{cls.name}: unknown parameter {name!r}{hint}"))
                continue
            try:
                values[name] = _read(text, known[name])
            except ValueError as error:
                faults.append(Fault(message=f"{cls.name}: {name} {error}"))
        if faults:
            raise SpecError(faults)
        return values

    @classmethod
    def describe(cls) -> dict[str, tuple[Any, str]]:
        """Return default and meaning of each parameter."""
        return {
            each.name: (
                None if each.default is MISSING else each.default,
                str(each.metadata.get("doc", "")),
            )
            for each in fields(cls)
        }

    def _check_bounds(self, name: str, kind: Any, limits: Mapping[str, Any]) -> None:
        value = getattr(self, name)
        if kind is not int:
            return
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.fault(f"{name} must be a whole number, not {value!r}")
        low, high = limits.get("low"), limits.get("high")
        if low is not None and value < low:
            raise self.fault(f"{name} must be at least {low}, not {value}")
        if high is not None and value > high:
            raise self.fault(f"{name} must be at most {high}, not {value}")


def _read(text: str, kind: Any) -> Any:
    """Read a parameter's text: a whole number, true or false, a word, or what its type can parse."""
    if kind is int:
        try:
            return int(text, 10)
        except ValueError:
            raise ValueError(f"must be a whole number, not {text!r}") from None
    if kind is bool:
        if text not in {"true", "false"}:
            raise ValueError(f"must be true or false, not {text!r}")
        return text == "true"
    return text if kind is str else kind.parse(text)
