"""What an ordinary run tries of many cases; the campaign tries them all."""

from collections.abc import Iterable
from typing import Any

import pytest


def share(values: Iterable[Any], every: int) -> list[Any]:
    """Return the cases for ``parametrize``: one in ``every`` always, the others in the campaign."""
    return [
        value if number % every == 0 else pytest.param(value, marks=pytest.mark.campaign)
        for number, value in enumerate(values)
    ]
