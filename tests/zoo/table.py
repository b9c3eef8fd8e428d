"""Every name with its reference, the shapes of its inputs, its parameters and its edge cases.

Shapes and parameters are expressions over a few integers, so that a case is a dict of integers
and a seed. An integer that is not given a range lies between 1 and 7.
"""

from __future__ import annotations

import ast
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from accelsim.cascade import Cascade
from tests.zoo import gates, memories, recurrent, selection, softmax, structured
from tests.zoo.parts import Array

_RATES = {"LAM", "ALPHA", "BETA", "ETA", "THETA", "GT"}
_TENSOR = re.compile(r"(\w+)\[(.*?)\]")


def _value(text: str, sizes: dict[str, int]) -> Any:
    return eval(compile(text, "table", "eval"), {"min": min}, sizes)


def _names(text: str) -> set[str]:
    return {n.id for n in ast.walk(ast.parse(text, mode="eval")) if isinstance(n, ast.Name)}


@dataclass(frozen=True)
class Entry:
    reference: Callable[..., Any]
    shapes: str
    params: dict[str, str] = field(default_factory=dict)
    ranges: dict[str, tuple[int, int]] = field(default_factory=dict)
    edges: tuple[dict[str, int], ...] = ()

    @property
    def sizes(self) -> dict[str, tuple[int, int]]:
        """The integers of a case with the ends of their ranges."""
        texts = [*self.params.values()]
        texts += [axis for _, axes in _TENSOR.findall(self.shapes) for axis in axes.split(",")]
        names = sorted(set().union(*(_names(text) for text in texts)) - {"min"})
        return {name: self.ranges.get(name, (1, 7)) for name in names}

    def case(self, sizes: dict[str, int], seed: int = 0) -> tuple[dict[str, Array], dict[str, Any]]:
        """Return inputs and parameters."""
        given = {n: min(max(5, low), high) for n, (low, high) in self.sizes.items()} | sizes
        arrays = {}
        for name, axes in _TENSOR.findall(self.shapes):
            shape = tuple(_value(axis, given) for axis in axes.split(","))
            random = np.random.default_rng([seed, zlib.crc32(name.encode())])
            arrays[name] = self._array(name, shape, random, given)
        return arrays, {name: _value(text, given) for name, text in self.params.items()}

    def _array(
        self, name: str, shape: tuple[int, ...], random: np.random.Generator, sizes: dict[str, int]
    ) -> Array:
        if name == "TBL":
            return random.permutation(sizes["T"])[: shape[0]]
        if name == "KI":
            return random.integers(-120, 120, shape)
        if name in _RATES:
            return random.uniform(0.05, 1, shape)
        if name in {"IT", "IH", "SF", "DT"}:
            return random.uniform(0, 1, shape)
        if name == "DELTA":
            return random.uniform(0.2, 2, shape)
        drawn = random.standard_normal(shape)
        if name == "LA":
            return -np.abs(drawn)
        if name == "K" and self.reference.__module__ == memories.__name__:
            return drawn / np.linalg.norm(drawn, axis=-1, keepdims=True)  # or the steps diverge
        if self.reference is memories.memora and name == "M0":
            return np.abs(drawn) / np.abs(drawn).sum(axis=-1, keepdims=True)
        return drawn


def check(
    name: str,
    sizes: dict[str, int],
    seed: int = 0,
    change: Callable[[dict[str, Array]], dict[str, Array]] = lambda arrays: arrays,
) -> None:
    """Compare every output of a cascade with the reference."""
    entry = ENTRIES[name]
    arrays, params = entry.case(sizes, seed)
    arrays = change(arrays)
    found = Cascade.load(name).evaluate(arrays, **params)
    wanted = entry.reference(**{n: a.copy() for n, a in arrays.items()}, **params)
    if not isinstance(wanted, dict):
        wanted = dict.fromkeys(found, wanted)
    assert set(found) == set(wanted)
    for output, value in wanted.items():
        same(found[output], value)


def same(found: Array, wanted: Array) -> None:
    """Compare to 1e-9, of the element or, where terms cancel, of a thousandth of the largest."""
    assert found.shape == wanted.shape
    largest = np.abs(wanted).max(initial=0)
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12 * max(1, largest))


_PLAIN = "Q[P,E]; K[M,E]; V[M,F]"
_SELF = "Q[N,E]; K[N,E]; V[N,F]"
_HEADS = "Q[H,N,E]; K[H,N,E]; V[H,N,F]"
_PLAIN_EDGES = ({"M": 0}, {"M": 1}, {"P": 1, "M": 11}, {"E": 1, "F": 1})
_CAUSAL_EDGES = (*_PLAIN_EDGES, {"P": 7, "M": 3}, {"P": 6, "M": 1}, {"P": 3, "M": 7})
_TILE = {"ranges": {"M": (1, 11), "T": (1, 13)}, "params": {"M0": "T"}}
_TILE_EDGES = (*_CAUSAL_EDGES, {"M": 10, "T": 4}, {"M": 3, "T": 8}, {"M": 5, "T": 1})
_LONG = {"N": (1, 11)}
_ONE_TOKEN = ({"N": 1}, {"E": 1, "F": 1})
_LONG_RATE = {
    "shapes": f"{_HEADS}; LAM[H]",
    "params": {"block": "L"},
    "ranges": _LONG | {"L": (1, 13)},
}
_BLOCK_EDGES = ({"N": 10, "L": 4}, {"N": 3, "L": 9}, {"N": 8, "L": 4}, {"L": 1}, {"N": 1})
_GRID = {"Y": (1, 5), "X": (1, 5)}

ENTRIES: dict[str, Entry] = {
    "matmul": Entry(softmax.matmul, "A[I,K]; B[K,J]"),
    # softmax over the sequence
    "attention": Entry(
        softmax.attention, _PLAIN, {"causal": "Z"}, {"Z": (0, 1)},
        tuple({"Z": z, **edge} for z in (0, 1) for edge in _CAUSAL_EDGES),
    ),
    "attention_3pass": Entry(softmax.attention, _PLAIN, edges=_PLAIN_EDGES),
    "attention_2pass_defer": Entry(softmax.attention, _PLAIN, edges=_PLAIN_EDGES),
    "attention_no_max": Entry(softmax.attention, _PLAIN, edges=_PLAIN_EDGES),
    "attention_no_max_defer": Entry(softmax.attention, _PLAIN, edges=_PLAIN_EDGES),
    "attention_2pass": Entry(softmax.attention, _PLAIN, edges=_TILE_EDGES, **_TILE),
    "attention_1pass": Entry(softmax.attention, _PLAIN, edges=_TILE_EDGES, **_TILE),
    "flash_attention2": Entry(softmax.attention_causal, _PLAIN, edges=_TILE_EDGES, **_TILE),
    "attention_causal": Entry(softmax.attention_causal, _PLAIN, edges=_CAUSAL_EDGES),
    "attention_3pass_causal": Entry(
        softmax.folded, "Q[P*R,E]; K[M,E]; V[M,F]", {"group": "R"}, {"R": (1, 3)}, _CAUSAL_EDGES
    ),
    "attention_1pass_causal": Entry(
        softmax.folded, "Q[P*R,E]; K[M,E]; V[M,F]", {"group": "R", "M0": "T"},
        {"R": (1, 3), "M": (1, 11), "T": (1, 13)}, _TILE_EDGES,
    ),
    "flash_decoding": Entry(
        softmax.attention, _PLAIN, {"splits": "T"}, {"M": (1, 11), "P": (1, 2), "T": (1, 13)},
        ({"M": 10, "T": 3}, {"M": 10, "T": 4}, {"M": 3, "T": 9}, {"T": 1}),
    ),
    "sigmoid_attention": Entry(softmax.sigmoid_attention, _PLAIN, edges=_PLAIN_EDGES),
    "mqa": Entry(
        softmax.grouped, "Q[R,P,E]; K[1,M,E]; V[1,M,F]", {"causal": "Z"}, {"Z": (0, 1)},
        ({"P": 6, "M": 2, "Z": 1}, {"R": 1}),
    ),
    "gqa": Entry(
        softmax.grouped, "Q[G*R,P,E]; K[G,M,E]; V[G,M,F]", {"causal": "Z"},
        {"Z": (0, 1), "G": (1, 3), "R": (1, 3)},
        ({"P": 6, "M": 2, "Z": 1}, {"G": 1}, {"R": 1}),
    ),
    "mla": Entry(
        softmax.mla, "C[M,L]; KR[M,X]; QN[H,P,D]; QR[H,P,X]; WUK[H,D,L]; WUV[H,F,L]",
        {"causal": "Z"}, {"Z": (0, 1), "H": (1, 3)}, ({"P": 6, "M": 2, "Z": 1}, {"L": 1, "X": 1}),
    ),
    "sliding_window": Entry(
        softmax.window, _SELF, {"W": "W", "sinks": "T"}, _LONG | {"W": (0, 13), "T": (0, 5)},
        ({"W": 9, "N": 4, "T": 0}, {"W": 1, "T": 0}, {"W": 0, "T": 3}, {"W": 0, "T": 0},
         {"W": 3, "T": 9, "N": 6}, {"N": 1, "T": 2}),
    ),
    "streaming_sink": Entry(
        softmax.window, _SELF, {"W": "W", "sinks": "T"}, _LONG | {"W": (0, 13), "T": (0, 5)},
        ({"W": 9, "N": 4}, {"W": 0, "T": 3}, {"W": 3, "T": 0, "N": 9},
         {"W": 3, "T": 9, "N": 6}, {"N": 1, "T": 2}),
    ),
    "longformer": Entry(
        softmax.longformer, _SELF, {"W": "W", "glob": "T"}, _LONG | {"W": (0, 13), "T": (0, 5)},
        ({"W": 9, "N": 4}, {"W": 0, "T": 0}, {"W": 1, "T": 9}),
    ),
    "alibi": Entry(softmax.alibi, _SELF, {"slope": "T/4"}, {"T": (0, 4)}, _ONE_TOKEN),
    "rope": Entry(
        softmax.rotary, "Q[N,2*I]; K[N,2*I]; V[N,F]; SP[N,I]",
        {"base": "10.0**T", "causal": "Z"}, {"Z": (0, 1), "T": (1, 4)}, ({"N": 1}, {"I": 1}),
    ),
    "se_attention": Entry(
        softmax.rotary, "Q[N,2*I]; K[N,2*I]; V[N,F]; SP[N,I]",
        {"base": "10.0**T", "causal": "Z"}, {"Z": (0, 1), "T": (1, 4)}, ({"N": 1}, {"I": 1}),
    ),
    "kv_quant": Entry(
        softmax.kv_quant, _PLAIN, {"bits": "T"}, {"T": (1, 9)}, (*_PLAIN_EDGES, {"T": 24})
    ),
    "kv_quant_2pass": Entry(
        softmax.kv_quant, _PLAIN, {"bits": "T"}, {"T": (1, 9)}, (*_PLAIN_EDGES, {"T": 24})
    ),
    "paged_decode": Entry(
        softmax.paged_decode, "Q[E]; KP[T,L,E]; VP[T,L,F]; TBL[B]", {"length": "A"},
        {"T": (4, 7), "B": (1, 4), "A": (0, 30)},
        ({"L": 4, "B": 3, "A": 10}, {"A": 0}, {"L": 4, "B": 3, "A": 12}, {"L": 1, "A": 1}),
    ),
    "pointer_net": Entry(softmax.pointer_net, "ENC[M,C]; DEC[P,D]; W1[J,C]; W2[J,D]; VA[J]"),
    "pointer_net_2pass": Entry(softmax.pointer_net, "ENC[M,C]; DEC[P,D]; W1[J,C]; W2[J,D]; VA[J]"),
    "additive_attention": Entry(
        softmax.additive_attention, "ENC[M,C]; DEC[P,D]; W1[J,C]; W2[J,D]; VA[J]; R[M]"
    ),
    "aaren": Entry(softmax.aaren, "Q[E]; K[N,E]; V[N,F]", ranges=_LONG, edges=_ONE_TOKEN),
    # linear attention and recurrences
    "linear_attention": Entry(recurrent.linear_attention, _SELF, ranges=_LONG, edges=_ONE_TOKEN),
    "linear_decay": Entry(recurrent.linear_decay, edges=_BLOCK_EDGES, **_LONG_RATE),
    "lightning1": Entry(recurrent.linear_decay, edges=_BLOCK_EDGES, **_LONG_RATE),
    "lightning2": Entry(recurrent.linear_decay, edges=_BLOCK_EDGES, **_LONG_RATE),
    "retention": Entry(recurrent.linear_decay, edges=_BLOCK_EDGES, **_LONG_RATE),
    "tnl": Entry(
        recurrent.tnl, f"{_HEADS}; U[N,H*F]; LAM[H]", {"eps": "10.0**-T"}, {"T": (1, 8)},
        ({"N": 1}, {"H": 1, "F": 1}),
    ),
    "lrpe_decay": Entry(
        recurrent.lrpe_decay, f"{_SELF}; TH[E]", {"lam": "T/8"}, _LONG | {"T": (1, 8)}, _ONE_TOKEN
    ),
    "gla": Entry(recurrent.gla, f"{_SELF}; GT[N,E]", ranges=_LONG, edges=_ONE_TOKEN),
    "ssd": Entry(
        recurrent.ssd, "X[N,F]; LA[N]; B[N,S]; C[N,S]", {"block": "L"}, _LONG, ({"N": 1},)
    ),
    "mamba2": Entry(
        recurrent.ssd, "X[N,F]; LA[N]; B[N,S]; C[N,S]", {"block": "L"}, _LONG, ({"N": 1},)
    ),
    "ssd_chunk": Entry(
        recurrent.ssd, "X[N,F]; LA[N]; B[N,S]; C[N,S]", {"block": "L"}, _LONG | {"L": (1, 13)},
        _BLOCK_EDGES,
    ),
    "s6": Entry(
        recurrent.s6, "X[N,D]; DT[N,D]; A[D,S]; B[N,S]; C[N,S]; DS[D]", edges=({"N": 1}, {"D": 1})
    ),
    "dsf": Entry(
        recurrent.dsf, "U[N,D]; LAM[N,S]; B[N,S,D]; C[N,F,S]; DD[N,F,D]", edges=({"N": 1},)
    ),
    # memories
    "deltanet": Entry(memories.deltanet, f"{_SELF}; BETA[N]; ALPHA[N]", edges=_ONE_TOKEN),
    "gated_deltanet": Entry(memories.deltanet, f"{_SELF}; BETA[N]; ALPHA[N]", edges=_ONE_TOKEN),
    "titans": Entry(
        memories.titans, f"{_SELF}; ALPHA[N]; ETA[N]; THETA[N]", {"c": "T/2", "chunk": "L"},
        _LONG | {"T": (1, 4), "L": (1, 13)}, _BLOCK_EDGES,
    ),
    "titans_chunk": Entry(
        memories.titans, f"{_SELF}; ALPHA[N]; ETA[N]; THETA[N]", {"c": "T/2", "chunk": "L"},
        _LONG | {"T": (1, 4), "L": (1, 13)}, _BLOCK_EDGES,
    ),
    "titans_mlp": Entry(
        memories.titans_mlp, f"{_SELF}; ALPHA[N]; ETA[N]; THETA[N]; W1[X,E]; W2[F,X]",
        {"c": "T/4"}, {"T": (1, 4), "X": (1, 4), "E": (1, 4), "F": (1, 4), "N": (1, 5)},
        ({"N": 1}, {"X": 1, "E": 1, "F": 1}),
    ),
    "moneta": Entry(
        memories.moneta, f"{_SELF}; ALPHA[N]; ETA[N]; M0[F,E]", {"p": "1+A/2", "q": "2+B"},
        {"A": (1, 4), "B": (0, 2), "N": (1, 5)}, ({"A": 2, "B": 0}, {"A": 4, "B": 2}, {"N": 1}),
    ),
    "yaad": Entry(
        memories.yaad, f"{_SELF}; ALPHA[N]; ETA[N]; M0[F,E]; DELTA[N]",
        {"mode": "['norm', 'sign'][Z]"}, {"Z": (0, 1)}, ({"Z": 0}, {"Z": 1}, {"N": 1}),
    ),
    "memora": Entry(
        memories.memora, f"{_SELF}; ALPHA[N]; ETA[N]; M0[F,E]", {"c": "T/2"}, {"T": (1, 4)},
        _ONE_TOKEN,
    ),
    # selection
    "topk_attention": Entry(
        softmax.topk_attention, _PLAIN, {"k": "A"}, {"A": (1, 9)},
        ({"A": 1}, {"A": 5, "M": 5}, {"A": 9, "M": 4}),
    ),
    "routing": Entry(
        selection.routing_plain, f"{_SELF}; MU[C,E]", {"w": "W"}, _LONG | {"E": (3, 6)},
        ({"W": 1}, {"N": 6, "W": 6, "C": 1}, {"N": 3, "W": 7}, {"C": 7, "W": 2}),
    ),
    "routing_causal": Entry(
        selection.routing_causal, f"{_SELF}; MU[C,E]", {"w": "W"}, _LONG | {"E": (3, 6)},
        ({"W": 1}, {"N": 6, "W": 6, "C": 1}, {"N": 3, "W": 7}, {"C": 7, "W": 2}),
    ),
    "landmark": Entry(
        selection.landmark, _SELF, {"L": "L"}, _LONG | {"L": (1, 13)}, _BLOCK_EDGES
    ),
    "landmark_topk": Entry(
        selection.landmark_topk, "Q[P,E]; KL[T,E]; K[T,L,E]; V[T,L,F]; KW[W,E]; VW[W,F]",
        {"k": "A"}, {"A": (0, 9)}, ({"A": 1}, {"A": 0}, {"A": 4, "T": 4}, {"A": 9, "T": 3}, {"L": 1}),
    ),
    "topk_block_decode": Entry(
        selection.topk_block_decode, "Q[E]; K[T,L,E]; V[T,L,F]", {"k": "A"}, {"A": (0, 9)},
        ({"A": 1}, {"A": 0}, {"A": 4, "T": 4}, {"A": 9, "T": 3}, {"L": 1}),
    ),
    "topk_block_decode_online": Entry(
        selection.topk_block_decode, "Q[E]; K[T,L,E]; V[T,L,F]", {"k": "A"}, {"A": (0, 9)},
        ({"A": 1}, {"A": 0}, {"A": 4, "T": 4}, {"A": 9, "T": 3}, {"L": 1}),
    ),
    "nsa": Entry(
        selection.nsa, f"{_SELF}; GT[N,3]", {"L": "L", "n": "A", "W": "W"},
        _LONG | {"L": (1, 13), "A": (1, 9), "W": (1, 13)},
        (*_BLOCK_EDGES, {"A": 1, "L": 2}, {"A": 9, "L": 2, "N": 9}, {"W": 12, "N": 5}),
    ),
    "spatten_prune": Entry(
        selection.spatten_prune, f"{_HEADS}; IT[N]; IH[H]", {"kt": "A", "kh": "B", "kv": "C"},
        {"A": (1, 9), "B": (1, 9), "C": (1, 9), "N": (1, 8)},
        ({"A": 1, "B": 1, "C": 1}, {"A": 9, "B": 9, "C": 9}, {"A": 6, "C": 2, "N": 8}),
    ),
    "spatten_progquant": Entry(
        selection.spatten_progquant, "Q[P,E]; KI[M,E]; V[M,F]",
        {"lsb": "L", "scale": "0.025", "thr": "T/8"}, {"T": (0, 9), "L": (0, 6)},
        ({"T": 0}, {"T": 9}, {"L": 0}, {"M": 1}, {"M": 0}),
    ),
    "spatten_progquant_2pass": Entry(
        selection.spatten_progquant, "Q[P,E]; KI[M,E]; V[M,F]",
        {"lsb": "L", "scale": "0.025", "thr": "T/8"}, {"T": (0, 9), "L": (0, 6)},
        ({"T": 0}, {"T": 9}, {"L": 0}, {"M": 2}, {"M": 0}),
    ),
    "focus_tokens": Entry(
        selection.focus_tokens, "X[N,D]; SF[N]; SC[N,C]; WQ[D,E]; WK[D,E]; WV[D,D]", {"k": "A"},
        {"A": (1, 4)}, ({"A": 1}, {"A": 5, "N": 5}, {"A": 9, "N": 4}),
    ),
    "moh": Entry(
        selection.moh,
        "Q[S+R,N,E]; K[S+R,N,E]; V[S+R,N,F]; X[N,D]; WS[S,D]; WR[R,D]; WH[2,D]; WO[S+R,F,D]",
        {"k": "A", "causal": "Z"}, {"Z": (0, 1), "S": (1, 2), "R": (1, 4)},
        ({"A": 1}, {"A": 3, "R": 3}, {"A": 7, "R": 2}, {"N": 1}),
    ),
    "sparse_gin": Entry(
        selection.sparse_gin, f"{_SELF}; W1[F,X]; W2[X,F]", {"eps": "0.3", "k": "A", "thr": "T/20"},
        {"T": (0, 9), "A": (1, 9)}, ({"A": 1}, {"A": 7, "N": 7, "T": 0}, {"T": 21}, {"N": 1}),
    ),
    "sparse_gin_2pass": Entry(
        selection.sparse_gin, f"{_SELF}; W1[F,X]; W2[X,F]", {"eps": "0.3", "k": "A", "thr": "T/20"},
        {"T": (0, 9), "A": (1, 9)}, ({"A": 1}, {"A": 7, "N": 7, "T": 0}, {"T": 21}, {"N": 1}),
    ),
    # structure
    "halo2d": Entry(
        structured.halo2d, "Q[Y,X,E]; K[Y,X,E]; V[Y,X,F]", {"b": "B", "h": "A"},
        _GRID | {"B": (1, 4), "A": (0, 4)},
        ({"A": 0}, {"B": 2, "A": 1, "Y": 5, "X": 3}, {"B": 1, "A": 7}, {"B": 8, "A": 1}),
    ),
    "agent": Entry(
        structured.agent, "Q[A*R,E]; K[A*R,E]; V[A*R,F]; BA[A,A*R]; BQ[A*R,A]", {"n": "A"},
        {"A": (1, 4), "R": (1, 4)}, ({"A": 1}, {"R": 1}),
    ),
    "rat": Entry(
        structured.rat, "Q[N,E]; K[N,E]; V[N,E]; GT[N,E]; Z[N,E]", {"L": "L"},
        _LONG | {"L": (1, 13)}, _BLOCK_EDGES,
    ),
    "rcmha": Entry(
        structured.rcmha, f"{_SELF}; CQ[E,J]; CK[E,J]; CV[F,J]; R[N,E]; BU[E]; BV[E]",
        ranges={"J": (1, 4)}, edges=({"N": 1}, {"J": 4, "N": 2}, {"J": 1}),
    ),
    "collapsed": Entry(structured.collapsed, "X[N,D]; W[D,D]; WVO[D,D]", {"d": "A"}),
    "symmetric": Entry(structured.symmetric, "X[N,D]; Z[D,E]"),
    "deconstruct": Entry(structured.deconstruct, f"{_SELF}; EQ[N,E]; EK[N,E]"),
    "deconstruct_uniform": Entry(structured.deconstruct_uniform, f"{_SELF}; EQ[N,E]; EK[N,E]"),
    "deconstruct_static": Entry(structured.deconstruct_static, f"{_SELF}; EQ[N,E]; EK[N,E]"),
    "gman_st": Entry(
        structured.gman_st,
        "X[T,N,D]; STE[T,N,D]; BZ[D]; WZS[D,D]; WZT[D,D]; WSQ[2*D,D]; WSK[2*D,D]; WSV[2*D,D]; "
        "WTQ[2*D,D]; WTK[2*D,D]; WTV[2*D,D]",
        edges=({"T": 1}, {"N": 1}, {"D": 1}),
    ),
    "gman_transform": Entry(
        structured.gman_transform,
        "X[T,N,D]; EP[T,N,D]; EQ[W,N,D]; WQ[D,D]; WK[D,D]; WV[D,D]", edges=({"T": 1}, {"N": 1}),
    ),
    "ninformer": Entry(
        structured.ninformer, "X[N,D]; T1[J,N]; T2[N,J]; C1[J,D]; C2[D,J]; WP[D,D]",
        ranges={"D": (2, 7)}, edges=({"N": 1},),
    ),
    "gin_attention": Entry(
        structured.gin_attention, f"{_SELF}; W1[F,X]; W2[X,F]", {"eps": "T/4"}, {"T": (0, 4)}
    ),
    "waad_fai": Entry(structured.waad_fai, _SELF, {"W": "W"}, _LONG, ({"N": 1}, {"W": 12})),
    "waad_fai_2pass": Entry(structured.waad_fai, _SELF, {"W": "W"}, _LONG, ({"N": 1}, {"W": 12})),
    "hop_profile": Entry(
        structured.hop_profile, "Q[N,E]; K[N,E]", {"Ww": "W"}, _LONG, ({"N": 11, "W": 4}, {"W": 1})
    ),
    "hop_profile_1pass": Entry(
        structured.hop_profile, "Q[N,E]; K[N,E]", {"Ww": "W"}, _LONG, ({"N": 11, "W": 4}, {"W": 1})
    ),
    # gates
    "danet_pam": Entry(
        gates.danet_pam, "X[D,N]; WQ[E,D]; WK[E,D]; WV[D,D]", {"gamma": "T/2"}, {"T": (0, 3)}
    ),
    "danet_cam": Entry(gates.danet_cam, "X[D,N]", {"gamma": "T/2"}, {"T": (0, 3)}, ({"D": 1},)),
    "attention_gate": Entry(
        gates.attention_gate, "X[N,D]; G[N,C]; WX[A,D]; WG[A,C]; PSI[A]; BA[A]", {"bpsi": "T/10"}
    ),
    "ela": Entry(
        gates.ela, "X[G*R,Y,X]; WC[G*R,2*J+1]; GA[G*R]; BE[G*R]", {"groups": "G", "eps": "1e-5"},
        {"G": (1, 3), "R": (2, 3), "Y": (1, 6), "X": (1, 6), "J": (0, 3)}, ({"Y": 1, "X": 5},),
    ),
    "ela_2pass": Entry(
        gates.ela, "X[G*R,Y,X]; WC[G*R,2*J+1]; GA[G*R]; BE[G*R]", {"groups": "G", "eps": "1e-2"},
        {"G": (1, 3), "R": (2, 3), "Y": (1, 6), "X": (1, 6), "J": (0, 3)}, ({"Y": 1, "X": 5},),
    ),
    "contmix": Entry(
        gates.contmix,
        "Q[S*Y,S*X,E]; KM[S*Y,S*X,E]; V[S*Y,S*X,F]; WP[(2*J+1)**2,S*S]; RB[(2*J+1)**2]",
        {"S": "S"}, {"S": (1, 2), "Y": (1, 2), "X": (1, 2), "J": (0, 2)}, ({"J": 3, "S": 1},),
    ),
    "csa": Entry(
        gates.csa, "R[N,C]; FT[N,D]; W1[X,C]; W2[D,X]; WT[C,2*J+1]", ranges={"J": (0, 3)},
        edges=({"N": 1}, {"J": 3, "N": 2}),
    ),
    "cbam": Entry(
        gates.cbam, "X[D,Y,X]; W1[C,D]; W2[D,C]; WS[2,3,3]", ranges=_GRID,
        edges=({"Y": 1, "X": 1}, {"D": 1}),
    ),
}  # fmt: skip
