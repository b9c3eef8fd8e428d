"""Exact sums over rows, in all and by layer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from accelsim.rows.row import FULL_BITS, Row


@dataclass(frozen=True, kw_only=True)
class Totals:
    """Sums over rows. ``kv_bytes`` is what K and V take as written, no transaction rounded up.

    ``dense_macs`` and ``dense_bytes`` (32 bits) are those of all tokens and of as many heads in every layer
    as there are in the one that has most.
    """

    rows: int = 0
    keys: int = 0
    values: int = 0
    qk_macs: int = 0
    pv_macs: int = 0
    kv_bits: int = 0
    requantized: int = 0
    dense_macs: int = 0
    dense_bytes: int = 0

    @property
    def kv_bytes(self) -> int:
        return -(-self.kv_bits // 8)

    def to_dict(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "keys": self.keys,
            "values": self.values,
            "qk_macs": self.qk_macs,
            "pv_macs": self.pv_macs,
            "kv_bytes": self.kv_bytes,
            "requantised": self.requantized,
            "dense_macs": self.dense_macs,
            "dense_bytes": self.dense_bytes,
        }


def totals(rows: Iterable[Row]) -> Totals:
    """Return the sums over rows."""
    every = list(rows)
    dense = _dense(every)
    return Totals(
        rows=len(every),
        keys=sum(row.keys for row in every),
        values=sum(row.values for row in every),
        qk_macs=sum(row.qk_macs for row in every),
        pv_macs=sum(row.pv_macs for row in every),
        kv_bits=sum(row.key_matrix_bits + row.value_matrix_bits for row in every),
        requantized=sum(row.requantized for row in every),
        dense_macs=dense[0],
        dense_bytes=dense[1],
    )


def _dense(rows: list[Row]) -> tuple[int, int]:
    layers: dict[tuple[int, int], list[Row]] = {}
    for row in rows:
        layers.setdefault((row.iteration, row.layer), []).append(row)
    heads = max((len(each) for each in layers.values()), default=0)
    whole = [each[0] for each in layers.values()]
    queries = (row.tokens if row.queries > 1 else row.queries for row in whole)
    macs = sum(
        2 * count * row.tokens * row.features for row, count in zip(whole, queries, strict=True)
    )
    moved = sum(2 * row.tokens * row.features * FULL_BITS // 8 for row in whole)
    return heads * macs, heads * moved


def by_layer(rows: Iterable[Row]) -> list[tuple[int, Totals]]:
    """Return (layer, sums over its rows in all iterations), ascending."""
    layers: dict[int, list[Row]] = {}
    for row in rows:
        layers.setdefault(row.layer, []).append(row)
    return [(layer, totals(layers[layer])) for layer in sorted(layers)]


__all__ = ["Totals", "by_layer", "totals"]
