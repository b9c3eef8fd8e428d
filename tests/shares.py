"""What an ordinary run tries of many cases; CI or the campaign tries them all."""

from collections.abc import Iterable
from typing import Any

import pytest


def share(values: Iterable[Any], every: int, rest: str = "campaign") -> list[Any]:
    """Return the cases for ``parametrize``: one in ``every`` always, the others under the mark ``rest``."""
    mark = getattr(pytest.mark, rest)
    return [
        value if number % every == 0 else pytest.param(value, marks=mark)
        for number, value in enumerate(values)
    ]
