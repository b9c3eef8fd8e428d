"""Rows of a schedule without values: counts follow from it, which queries ask for more bits is drawn."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from accelsim.rows.row import Row, Rows
from accelsim.rows.schedule import Schedule


def drawn_rows(schedule: Schedule, seed: int | None = None) -> Rows:
    """Return the rows of a schedule; ``seed`` in place of its own."""
    spec = schedule.spec
    draw = np.random.default_rng(spec.seed if seed is None else seed)
    rows = tuple(_encoder(schedule, draw) if not spec.generates else _generation(schedule, draw))
    return Rows(
        rows=rows,
        name=spec.name,
        source=spec.source,
        assumptions=(
            f"rows of the schedule {spec.name}; which queries ask for more bits is drawn with"
            f" seed {spec.seed if seed is None else seed}",
        ),
    )


def _encoder(schedule: Schedule, draw: np.random.Generator) -> Iterator[Row]:
    spec = schedule.spec
    for layer in range(spec.layers):
        keys = schedule.keys(layer, spec.tokens)
        values = schedule.values(layer, spec.tokens, keys)
        heads = schedule.heads(layer)
        following = schedule.keys(layer + 1, spec.tokens) if layer + 1 < spec.layers else keys
        for head in range(heads):
            yield Row(
                layer=layer,
                head=head,
                features=spec.features,
                tokens=spec.tokens,
                queries=keys,
                keys=keys,
                values=values,
                requantized=int(draw.binomial(keys, schedule.requantized(layer))),
                selects=following if following < keys and head == heads - 1 else 0,
                **_shared(schedule),  # type: ignore[arg-type]
            )


def _generation(schedule: Schedule, draw: np.random.Generator) -> Iterator[Row]:
    spec = schedule.spec
    for iteration in range(spec.generates):
        tokens = spec.tokens + 1 + iteration
        for layer in range(spec.layers):
            keys = schedule.keys(layer, tokens, iteration)
            values = schedule.values(layer, tokens, keys, iteration)
            heads = schedule.heads(layer)
            # The next layer selects among these tokens, the next token's first layer among all.
            following, after, of = layer + 1, iteration, keys
            if following == spec.layers:
                following, after, of = 0, iteration + 1, tokens + 1
            wanted = schedule.keys(following, spec.tokens + 1 + after, after)
            selects = wanted if wanted < of and after < spec.generates else 0
            for head in range(heads):
                yield Row(
                    iteration=iteration,
                    layer=layer,
                    head=head,
                    features=spec.features,
                    tokens=tokens,
                    keys=keys,
                    values=values,
                    requantized=int(draw.random() < schedule.requantized(layer)),
                    selects=selects if head == heads - 1 else 0,
                    **_shared(schedule),  # type: ignore[arg-type]
                )


def _shared(schedule: Schedule) -> dict[str, int | float | bool]:
    bits = schedule.spec.bits
    return {
        "key_bits": bits.key,
        "value_bits": bits.value,
        "query_bits": bits.query,
        "extra_bits": bits.extra,
        "threshold": schedule.spec.threshold,
        "accumulates": min(schedule.spec.keep_tokens) < 1,
    }


__all__ = ["drawn_rows"]
