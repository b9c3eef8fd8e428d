"""Rows from values: Q, K and V of every layer out of an ``.npz`` file, run by a schedule."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from accelsim.errors import Fault, SpecError
from accelsim.rows.algorithm import LayerRun, Pruning
from accelsim.rows.row import Indices, Row, Rows
from accelsim.rows.schedule import Schedule, ScheduleSpec
from accelsim.specs import Document, find

Floats = NDArray[np.float64]
MAX_BYTES = 1 << 30


@dataclass(frozen=True, kw_only=True)
class Tensors:
    """Q [L, H, P, E], K [L, H, N, E], V [L, H, N, F] of L layers and H heads.

    P = N: every token is a query. P < N: the last P tokens are made one by one, each a query over all
    before it and itself.
    """

    q: Floats
    k: Floats
    v: Floats
    name: str

    @classmethod
    def load(cls, path: str | Path) -> Tensors:
        """Read a shipped name or an .npz file with the arrays Q, K and V; SpecError says what is wrong."""
        file = str(find.path("tensors", path))

        def wrong(message: str) -> SpecError:
            return SpecError(Fault(message=message, file=file))

        try:
            with Path(file).open("rb") as stream, np.load(stream, allow_pickle=False) as found:
                names = set(found.files)
                missing = sorted({"Q", "K", "V"} - names)
                if missing:
                    raise wrong(f"must have the arrays Q, K and V, and lacks {', '.join(missing)}")
                q, k, v = (np.asarray(found[name]) for name in "QKV")
        except (
            OSError,
            ValueError,
            zipfile.BadZipFile,
            EOFError,
            AttributeError,
            TypeError,
        ) as error:
            raise wrong(f"must be an .npz file: {error}") from None
        for name, array in (("Q", q), ("K", k), ("V", v)):
            if array.ndim != 4 or 0 in array.shape:
                raise wrong(f"{name} must be [layers, heads, tokens, features], not {array.shape}")
            if array.dtype.kind not in "fiu" or not np.isfinite(array).all():
                raise wrong(f"{name} must have finite numbers")
            if array.size * 8 > MAX_BYTES:
                raise wrong(f"{name} must have at most {MAX_BYTES // 8} numbers")
        if k.shape[:3] != v.shape[:3] or q.shape[:2] != k.shape[:2] or q.shape[3] != k.shape[3]:
            raise wrong(f"Q, K and V must agree, not be {q.shape}, {k.shape} and {v.shape}")
        if v.shape[3] != k.shape[3]:
            raise wrong(f"V must have as many features as K, {k.shape[3]}, not {v.shape[3]}")
        if q.shape[2] > k.shape[2]:
            raise wrong(f"Q must have at most the {k.shape[2]} tokens of K, not {q.shape[2]}")
        return cls(
            q=q.astype(np.float64),
            k=k.astype(np.float64),
            v=v.astype(np.float64),
            name=Path(file).stem,
        )

    @property
    def generates(self) -> int:
        """Tokens that are made one by one; 0: all at once."""
        queries, tokens = self.q.shape[2], self.k.shape[2]
        return 0 if queries == tokens else queries

    def schedule(self, given: Schedule | None) -> Schedule:
        """Return a schedule of the sizes of these tensors: the shares and bits of ``given``, else dense."""
        layers, heads, queries, features = self.q.shape
        tokens = self.k.shape[2] - self.generates
        sizes = {
            "layers": layers,
            "heads": heads,
            "features": features,
            "tokens": tokens,
            "generates": queries if self.generates else 0,
        }
        if given is None:
            spec = ScheduleSpec(name="dense", source="everything is kept", **sizes)
            return Schedule(
                spec=spec,
                document=Document(path="dense", data={}, marks={}, key_marks={}, source=""),
            )
        spec = given.spec.model_copy(update={**sizes, "context": 0})
        return replace(given, spec=spec)


@dataclass(frozen=True, kw_only=True)
class Valued:
    """Rows with the layers they come from: ``layers[i]`` is a layer of an iteration, in order."""

    rows: Rows
    layers: tuple[LayerRun, ...]

    def output(self, layer: int, heads: int) -> Floats:
        """Return the attention output [H, P, F] of a run of a layer; heads that were pruned are 0."""
        run = self.layers[layer]
        first = run.heads[0].output
        found = np.zeros((heads, *first.shape))
        for each in run.heads:
            found[each.head] = each.output
        return found


def tensor_rows(tensors: Tensors, schedule: Schedule | None = None) -> Valued:
    """Run the algorithm on values; return its rows: what is kept, what is asked for again, real weights."""
    plan = tensors.schedule(schedule)
    made = _Made(tensors, plan)
    return made.all()


class _Made:
    """Collects the rows of every layer of every iteration."""

    def __init__(self, tensors: Tensors, schedule: Schedule) -> None:
        self.tensors, self.schedule = tensors, schedule
        self.rows: list[Row] = []
        self.kept_keys: list[Indices] = []
        self.kept_values: list[Indices] = []
        self.weights: list[Floats] = []
        self.again: list[NDArray[np.bool_]] = []
        self.importance: dict[int, Floats] = {}
        self.layers: list[LayerRun] = []

    def all(self) -> Valued:
        tensors, spec = self.tensors, self.schedule.spec
        heads, tokens = tensors.k.shape[1], tensors.k.shape[2]
        generates = tensors.generates
        state = Pruning.of(tokens, heads, spec.bits, spec.threshold)
        for iteration in range(max(1, generates)):
            at_hand = tokens - generates + iteration + 1 if generates else tokens
            state.tokens, state.heads = np.arange(at_hand), np.arange(heads)
            for layer, plan in enumerate(self._plans(at_hand, iteration)):
                if plan[0] < len(state.tokens):
                    if self.rows:
                        self._select(state.token_importance, plan[0], begins=layer == 0)
                    state.keep_tokens(plan[0], newest=int(generates > 0))
                if plan[2] < len(state.heads):
                    state.keep_heads(plan[2])
                self._layer(state, iteration, layer, at_hand, plan[1])
        rows = Rows(
            rows=tuple(self.rows),
            name=tensors.name,
            source=f"{tensors.name}, schedule {spec.name}",
            kept_keys=tuple(self.kept_keys),
            kept_values=tuple(self.kept_values),
            weights=tuple(self.weights),
            again=tuple(self.again),
            importance=self.importance,
            assumptions=(
                "tensors are those of the model that runs in full: what pruning does to later layers"
                " is not in them",
            ),
        )
        return Valued(rows=rows, layers=tuple(self.layers))

    def _select(self, importance: Floats, keep: int, *, begins: bool) -> None:
        """Note a selection after the last row: for the next layer of its tokens, or of all for the first."""
        row, tokens = self.rows[-1], self.layers[-1].tokens
        of = np.arange(row.tokens) if begins else tokens
        self.importance[len(self.rows) - 1] = importance[of].copy()
        self.rows[-1] = replace(row, selects=min(keep, len(of)))

    def _plans(self, tokens: int, iteration: int) -> Iterator[tuple[int, int, int]]:
        """Yield (keys, values, heads) that each layer keeps; what is gone does not come back."""
        schedule, spec = self.schedule, self.schedule.spec
        keys, heads = tokens, spec.heads
        for layer in range(spec.layers):
            keys = min(keys, schedule.keys(layer, tokens, iteration))
            heads = min(heads, schedule.heads(layer))
            yield keys, min(keys, schedule.values(layer, tokens, keys, iteration)), heads

    def _layer(self, state: Pruning, iteration: int, layer: int, tokens: int, values: int) -> None:
        tensors, bits = self.tensors, self.schedule.spec.bits
        queries = np.array([iteration]) if tensors.generates else None
        run = state.layer(tensors.q[layer], tensors.k[layer], tensors.v[layer], values, queries)
        self.layers.append(run)
        for number, head in enumerate(run.heads):
            count = len(head.weights)
            self.rows.append(
                Row(
                    iteration=iteration,
                    layer=layer,
                    head=number,
                    features=tensors.k.shape[3],
                    tokens=tokens,
                    queries=count,
                    keys=len(run.tokens),
                    values=values,
                    key_bits=bits.key,
                    value_bits=bits.value,
                    query_bits=bits.query,
                    threshold=self.schedule.spec.threshold,
                    requantized=int(head.again.sum()),
                    extra_bits=bits.extra,
                    accumulates=min(self.schedule.spec.keep_tokens) < 1,
                )
            )
            self.kept_keys.append(run.tokens)
            self.kept_values.append(run.tokens[head.chosen[0]] if count == 1 else run.tokens)
            self.weights.append(head.weights)
            self.again.append(head.again)


__all__ = ["Tensors", "Valued", "tensor_rows"]
