"""Reads JSON that other programs have written; places of values are looked for when a fault needs one."""

from __future__ import annotations

import json
import math
from pathlib import Path

from accelsim.errors import Fault, SpecError
from accelsim.specs.reader import Document, read

SMALL = 2_000_000  # bytes of a file that is read again to say where a fault is


def read_json(path: str | Path) -> Document:
    """Return the data of a JSON file of any size, without places: :func:`placed` finds them."""
    name = str(path)
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        if isinstance(error, UnicodeDecodeError):
            raise SpecError(Fault(message="must be JSON in UTF-8", file=name)) from None
        reason = str(getattr(error, "strerror", None) or error).lower()
        raise SpecError(Fault(message=f"cannot be read: {reason}", file=name)) from None
    try:
        data = json.loads(text, parse_constant=_number, parse_float=_number)
        return Document(path=name, data=data)
    except json.JSONDecodeError as error:
        message = f"must be JSON: {error.msg.lower()}"
        fault = Fault(message=message, file=name, line=error.lineno, column=error.colno)
        raise SpecError(fault) from None
    except _InfiniteError as error:
        raise SpecError(
            Fault(message=f"must have finite numbers, not {error}", file=name)
        ) from None
    except (RecursionError, ValueError):  # nested or digits without end
        raise SpecError(Fault(message="must be JSON of modest depth", file=name)) from None


class _InfiniteError(ValueError):
    """A number that JSON does not have, or that is too large for one."""


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _InfiniteError(text)
    return value


def placed(document: Document) -> Document:
    """Return the document with the places of its values, if it is not too large to look for them."""
    try:
        if Path(document.path).stat().st_size > SMALL:
            return document
        return read(document.path)
    except (SpecError, OSError):  # JSON that is no YAML of the house, such as a tab
        return document
