"""Places of kept keys and values where a trace does not give them: drawn, nested as they are pruned."""

from __future__ import annotations

import numpy as np

from accelsim.rows.row import Indices, Rows


def kept_places(rows: Rows, seed: int) -> tuple[list[Indices], list[Indices]]:
    """Return the places of the keys and of the values of each row among its tokens, ascending.

    What the rows say is taken. Else all keys are contiguous; a layer that keeps fewer keeps some of
    those of the layer before; all of its heads keep the same. Values are some of the row's keys.
    """
    if rows.kept_keys:
        return list(rows.kept_keys), list(rows.kept_values)
    draw = np.random.default_rng(seed)
    keys: list[Indices] = []
    values: list[Indices] = []
    before: Indices | None = None
    iteration = -1
    for first, last in rows.groups():
        row = rows.rows[first]
        if row.iteration != iteration:
            before, iteration = None, row.iteration
        pool = before
        if pool is None or len(pool) < row.keys:
            pool = np.arange(row.tokens)
        mine = pool
        if row.keys < len(pool):
            mine = np.sort(draw.permutation(pool)[: row.keys])
        before = mine
        for number in range(first, last):
            count = rows.rows[number].values
            keys.append(mine)
            values.append(mine if count == len(mine) else np.sort(draw.permutation(mine)[:count]))
    return keys, values


__all__ = ["kept_places"]
