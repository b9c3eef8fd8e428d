"""Operators and functions of the cascade notation: one row each (what it means and what it costs)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Number = Any  # int or float; an index stays an int so that ranges are exact


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operator or function: ``kind`` is what it is counted and costed as."""

    symbol: str
    kind: str
    arity: tuple[int, int]
    scalar: Callable[..., Number]
    numpy: str
    """How NumPy writes it: an expression over ``np``, ``a``, ``b`` (see ``array``)."""


def _integers(*values: Number) -> list[int]:
    if any(v != math.floor(v) for v in values):
        raise ValueError("shifts need integers")
    return [int(v) for v in values]


def _shift(a: Number, b: Number, *, left: bool) -> int:
    x, n = _integers(a, b)
    if not 0 <= n < 63:
        raise ValueError(f"a shift must be by 0 to 62, not {n}")
    return x << n if left else x >> n


def _div(a: Number, b: Number) -> float:
    if b:
        return float(a) / float(b)
    if a == 0 or a != a:
        return math.nan
    return math.copysign(math.inf, a) * math.copysign(1.0, b)


def _floordiv(a: Number, b: Number) -> Number:
    return a // b if b else _div(a, b)


def _mod(a: Number, b: Number) -> Number:
    return a % b if b else math.nan


def _guard(function: Callable[..., float], overflow: float = math.inf) -> Callable[..., float]:
    """Give a function of ``math`` the IEEE results instead of exceptions."""

    def guarded(*values: Number) -> float:
        try:
            return function(*values)
        except OverflowError:
            return overflow
        except ValueError:
            return math.nan

    return guarded


def _log(x: Number) -> float:
    return -math.inf if x == 0 else math.log(x) if x > 0 else math.nan


def _pow(a: Number, b: Number) -> float:
    try:
        return math.pow(a, b)
    except OverflowError:
        return -math.inf if a < 0 and b == math.floor(b) and b % 2 else math.inf
    except ValueError:
        return math.inf if a == 0 else math.nan


def _whole(function: Callable[[Number], int]) -> Callable[[Number], Number]:
    return lambda x: function(x) if isinstance(x, int) or math.isfinite(x) else x


def _sigmoid(x: Number) -> float:
    return 1.0 / (1.0 + math.exp(-x)) if x >= 0 else math.exp(x) / (1.0 + math.exp(x))


def _softplus(x: Number) -> float:
    return max(float(x), 0.0) + math.log1p(math.exp(-abs(x)))


def _rsqrt(x: Number) -> float:
    return _div(1.0, math.sqrt(x)) if x >= 0 else math.nan


def _extreme(function: Callable[..., Number]) -> Callable[..., Number]:
    return lambda *values: math.nan if any(v != v for v in values) else function(*values)


def _row(
    symbol: str, kind: str, arity: int | tuple[int, int], scalar: Callable[..., Number], numpy: str
) -> Operation:
    span = (arity, arity) if isinstance(arity, int) else arity
    return Operation(symbol=symbol, kind=kind, arity=span, scalar=scalar, numpy=numpy)


BINARY: dict[str, Operation] = {
    row.symbol: row
    for row in (
        _row("+", "add", 2, lambda a, b: a + b, "a + b"),
        _row("-", "sub", 2, lambda a, b: a - b, "a - b"),
        _row("*", "mul", 2, lambda a, b: a * b, "a * b"),
        _row("/", "div", 2, _div, "np.true_divide(a, b)"),
        _row("//", "floordiv", 2, _floordiv, "np.floor_divide(a, divisor(b))"),
        _row("%", "mod", 2, _mod, "np.mod(a, divisor(b))"),
        _row(
            "<<",
            "shift",
            2,
            lambda a, b: _shift(a, b, left=True),
            "np.left_shift(integers(a), integers(b))",
        ),
        _row(
            ">>",
            "shift",
            2,
            lambda a, b: _shift(a, b, left=False),
            "np.right_shift(integers(a), integers(b))",
        ),
        _row("<", "compare", 2, lambda a, b: int(a < b), "a < b"),
        _row("<=", "compare", 2, lambda a, b: int(a <= b), "a <= b"),
        _row(">", "compare", 2, lambda a, b: int(a > b), "a > b"),
        _row(">=", "compare", 2, lambda a, b: int(a >= b), "a >= b"),
        _row("==", "compare", 2, lambda a, b: int(a == b), "a == b"),
        _row("!=", "compare", 2, lambda a, b: int(a != b), "a != b"),
        _row("and", "logic", 2, lambda a, b: int(bool(a) and bool(b)), "np.logical_and(a, b)"),
        _row("or", "logic", 2, lambda a, b: int(bool(a) or bool(b)), "np.logical_or(a, b)"),
    )
}

UNARY: dict[str, Operation] = {
    "-": _row("-", "neg", 1, lambda a: -a, "-a"),
    "not": _row("not", "logic", 1, lambda a: int(not a), "np.logical_not(a)"),
}

FUNCTIONS: dict[str, Operation] = {
    row.symbol: row
    for row in (
        _row("exp", "exp", 1, _guard(math.exp), "np.exp(a)"),
        _row("log", "log", 1, _log, "np.log(a)"),
        _row("sqrt", "sqrt", 1, _guard(math.sqrt), "np.sqrt(a)"),
        _row("rsqrt", "rsqrt", 1, _rsqrt, "1.0 / np.sqrt(a)"),
        _row("pow", "pow", 2, _pow, "np.power(np.asarray(a, float), b)"),
        _row("abs", "abs", 1, abs, "np.abs(a)"),
        _row("sign", "sign", 1, lambda x: (x > 0) - (x < 0) if x == x else x, "np.sign(a)"),
        _row("floor", "floor", 1, _whole(math.floor), "np.floor(a)"),
        _row("ceil", "ceil", 1, _whole(math.ceil), "np.ceil(a)"),
        _row("round", "round", 1, _whole(round), "np.round(a)"),
        _row("min", "min", 2, _extreme(min), "np.minimum(a, b)"),
        _row("max", "max", 2, _extreme(max), "np.maximum(a, b)"),
        _row("tanh", "tanh", 1, math.tanh, "np.tanh(a)"),
        _row("sigmoid", "sigmoid", 1, _sigmoid, "sigmoid(a)"),
        _row("relu", "relu", 1, lambda x: max(x, 0) if x == x else x, "np.maximum(a, 0)"),
        _row("silu", "silu", 1, lambda x: x * _sigmoid(x), "a * sigmoid(a)"),
        _row(
            "gelu",
            "gelu",
            1,
            lambda x: 0.5 * x * (1.0 + math.erf(x / math.sqrt(2.0))),
            "0.5 * a * (1.0 + erf(a / 2.0**0.5))",
        ),
        _row(
            "elu1",
            "elu1",
            1,
            lambda x: x + 1.0 if x > 0 else math.exp(x),
            "np.where(a > 0, a + 1.0, np.exp(np.minimum(a, 0)))",
        ),
        _row("softplus", "softplus", 1, _softplus, "np.logaddexp(0, a)"),
        _row("cos", "cos", 1, _guard(math.cos, math.nan), "np.cos(a)"),
        _row("sin", "sin", 1, _guard(math.sin, math.nan), "np.sin(a)"),
        _row("select", "select", 3, lambda c, a, b: a if c else b, "np.where(a, b, c)"),
    )
}

KINDS = frozenset(
    {"mac", *(row.kind for rows in (BINARY, UNARY, FUNCTIONS) for row in rows.values())}
)
"""What operations are called as units of hardware; a multiply with a sum is one ``mac``."""

REDUCTIONS: dict[str, Operation] = {
    "+": BINARY["+"],
    "*": BINARY["*"],
    "max": FUNCTIONS["max"],
    "min": FUNCTIONS["min"],
}


def array(operation: Operation) -> Callable[..., Any]:
    """Return the NumPy meaning of a row as a function of its operands.

    >>> array(BINARY["+"])(1, 2)
    3
    """
    if operation.symbol not in _COMPILED or _COMPILED[operation.symbol][0] is not operation:
        names = ", ".join("abc"[: operation.arity[0]])
        function = eval(f"lambda {names}: {operation.numpy}", _namespace())
        _COMPILED[operation.symbol] = (operation, function)
    return _COMPILED[operation.symbol][1]


_COMPILED: dict[str, tuple[Operation, Callable[..., Any]]] = {}


def _namespace() -> dict[str, Any]:
    import numpy as np

    def integers(values: Any) -> Any:
        whole = np.asarray(values)
        if whole.dtype.kind == "f":
            if np.any(whole != np.floor(whole)):
                raise ValueError("shifts need integers")
            whole = whole.astype(np.int64)
        return whole

    def divisor(values: Any) -> Any:
        whole = np.asarray(values)
        if whole.dtype.kind != "f" and not np.all(whole):
            raise ZeroDivisionError("integer division by zero")  # NumPy would say 0
        return whole

    def sigmoid(values: Any) -> Any:
        decay = np.exp(-np.abs(values))
        return np.where(np.asarray(values) >= 0, 1.0, decay) / (1.0 + decay)

    return {
        "np": np,
        "integers": integers,
        "sigmoid": sigmoid,
        "divisor": divisor,
        "erf": np.vectorize(math.erf, otypes=[float]),
    }
