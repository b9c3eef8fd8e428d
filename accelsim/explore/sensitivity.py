"""Which parameter moves which objective: shares of the variance, as in an analysis of variance."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from accelsim.result.text import table

if TYPE_CHECKING:
    from accelsim.explore.table import Results


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What one parameter does to one objective, over the points that are done.

    ``alone`` is the share of the objective's variance that the means by value of the parameter have
    (the first-order index of Sobol, where all combinations are there); ``total`` the share that is left
    when every other parameter is held (its total index), None where no two points differ in it alone.
    ``factor`` is the largest of the means by value over the least one, from value ``low`` to ``high``.
    Of an objective that is positive throughout it is the logarithm whose variance is shared out.
    """

    parameter: str
    objective: str
    alone: float
    total: float | None
    factor: float | None
    low: Any
    high: Any


def effects(results: Results) -> list[Effect]:
    """Return an effect for each objective and parameter, the strongest of each objective first."""
    found: list[Effect] = []
    for objective in results.objectives:
        own = [_effect(results, name, objective) for name in results.parameters]
        found += sorted(own, key=lambda e: -(e.alone if e.total is None else e.total))
    return found


def text_of(found: Iterable[Effect]) -> str:
    """Return the effects as a table."""
    rows = [
        [
            effect.objective,
            effect.parameter,
            f"{effect.alone:.1%}",
            "-" if effect.total is None else f"{effect.total:.1%}",
            "-" if effect.factor is None else f"{effect.factor:.4g}",
            "-" if effect.low == effect.high else f"{effect.low} -> {effect.high}",
        ]
        for effect in found
    ]
    heads = ["objective", "parameter", "alone", "in all", "factor", "least -> most at"]
    return table(heads, rows)


def _effect(results: Results, parameter: str, objective: str) -> Effect:
    values = [float(row.figures[objective]) for row in results.done]
    positive = bool(values) and min(values) > 0
    scaled = [math.log(v) for v in values] if positive else values
    own = [row.values[parameter] for row in results.done]
    others = [
        tuple(_hashable(v) for k, v in row.values.items() if k != parameter) for row in results.done
    ]
    spread = _variance(scaled)
    means = _means(own, scaled)
    centre = sum(scaled) / len(scaled) if scaled else 0.0
    between = sum((means[_hashable(v)] - centre) ** 2 for v in own)
    left = _within(others, scaled)
    low = min(own, key=lambda v: means[_hashable(v)], default=None)
    high = max(own, key=lambda v: means[_hashable(v)], default=None)
    reach = means[_hashable(high)] - means[_hashable(low)] if own else 0.0
    return Effect(
        parameter=parameter,
        objective=objective,
        alone=between / len(scaled) / spread if spread else 0.0,
        total=None if left is None else left / spread if spread else 0.0,
        factor=math.exp(reach) if positive else None,
        low=low,
        high=high,
    )


def _means(keys: Sequence[Any], values: Sequence[float]) -> dict[Hashable, float]:
    return {key: sum(own) / len(own) for key, own in _groups(keys, values).items()}


def _within(keys: Sequence[Any], values: Sequence[float]) -> float | None:
    """Return the mean variance inside the groups of several points; None where there are none."""
    groups = [own for own in _groups(keys, values).values() if len(own) > 1]
    count = sum(len(own) for own in groups)
    return sum(_variance(own) * len(own) for own in groups) / count if count else None


def _groups(keys: Sequence[Any], values: Sequence[float]) -> dict[Hashable, list[float]]:
    groups: dict[Hashable, list[float]] = {}
    for key, value in zip(keys, values, strict=True):
        groups.setdefault(_hashable(key), []).append(value)
    return groups


def _variance(values: Sequence[float]) -> float:
    if not values or min(values) == max(values):  # no rounding where nothing differs
        return 0.0
    mean = sum(values) / len(values)
    return sum((v - mean) ** 2 for v in values) / len(values)


def _hashable(value: Any) -> Hashable:
    return repr(value) if isinstance(value, list | dict) else value
