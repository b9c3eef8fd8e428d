"""Number formats: every Einsum's result is computed in float64 and rounded once to its format.

Floating-point formats round to nearest, ties to even, as ``ml_dtypes`` and NumPy cast: beyond the
largest number is inf, or nan where the format has no inf. Integers round half to even and saturate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from accelsim.cascade.lexer import Source
from accelsim.cascade.store import Array
from accelsim.errors import SpecError, nearest

_FLOATS = {
    "fp64": "float64",
    "fp32": "float32",
    "fp16": "float16",
    "bf16": "bfloat16",
    "fp8_e4m3": "float8_e4m3fn",
    "fp8_e5m2": "float8_e5m2",
    "fp8_e3m4": "float8_e3m4",
    "fp6_e2m3": "float6_e2m3fn",
    "fp6_e3m2": "float6_e3m2fn",
    "fp4_e2m1": "float4_e2m1fn",
}
_BITS = (2, 4, 8, 16, 32)
FORMATS: tuple[str, ...] = (
    *_FLOATS,
    *(f"int{n}" for n in _BITS),
    *(f"uint{n}" for n in _BITS),
)
DEFAULT = "default"
"""The name under which a cascade gives the format of all tensors that it does not name."""


@dataclass(frozen=True, kw_only=True)
class Format:
    """A number format by name, ``nearest`` the rounding of an array of float64 (or integers) to it."""

    name: str
    nearest: Callable[[Array], Array]

    def rounded(self, values: Any) -> Any:
        """Return the nearest numbers of the format, as float64 (integers of integers)."""
        return self.nearest(np.asarray(values))


_SHORT = {v: k for k, v in _FLOATS.items()}


def is_format(name: str) -> bool:
    return _SHORT.get(name, name) in FORMATS


def format_of(name: str) -> Format:
    """Return a format by name; raise SpecError for an unknown one, or one that needs an extra."""
    name = _SHORT.get(name, name)
    if name not in FORMATS:
        raise SpecError(f"{name!r} is not a number format{nearest(name, FORMATS)}")
    if name in _FLOATS:
        return Format(name=name, nearest=_float(name))
    bits = int(name.lstrip("uint"))
    low, high = (0, 2**bits - 1) if name[0] == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return Format(name=name, nearest=lambda values: np.clip(np.round(values), low, high))


def _float(name: str) -> Callable[[Array], Array]:
    word = _FLOATS[name]
    if hasattr(np, word):
        kind = np.dtype(word)
    else:
        try:
            import ml_dtypes
        except ImportError:
            message = f"the number format {name!r} needs ml_dtypes: pip install 'accelsim[rtl]'"
            raise SpecError(message) from None
        kind = np.dtype(getattr(ml_dtypes, word))

    def rounded(values: Array) -> Array:
        with np.errstate(all="ignore"):
            return values.astype(np.float64).astype(kind).astype(np.float64)

    return rounded


def formats_of(
    declared: Mapping[str, str], given: Mapping[str, str] | None, tensors: set[str], source: Source
) -> dict[str, Format]:
    """Return the format of each tensor that is not computed in float64; ``given`` overrides ``declared``."""
    named: dict[str, str] = {**declared, **(given or {})}
    for name in named:
        if name != DEFAULT and name not in tensors:
            known = nearest(name, {*tensors, DEFAULT})
            raise source.error(0, f"a number format is given for an unknown tensor {name!r}{known}")
    found: dict[str, Format] = {}
    for tensor in sorted(tensors):
        name = named.get(tensor, named.get(DEFAULT, "fp64"))
        try:
            form = format_of(name)
        except SpecError as error:
            raise source.error(0, f"{tensor}: {error.faults[0].message}") from None
        if form.name != "fp64":
            found[tensor] = form
    return found
