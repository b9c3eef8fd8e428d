"""A tape: every operation on numbers that stand for others, and every test of them, in order.

Operations are nodes, each once; a node's value is that of the run that is recorded. What the run decided
by a number is a *test* with its outcome: where all tests come out as they did, the same operations give
the results for other numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import gcd
from typing import Any

Node = int
Key = tuple[Any, ...]
Bounds = tuple[int | None, int | None]  # the least and the most that a node can be, if known
Test = tuple[str, Node, Node, bool]

DO: dict[str, Callable[..., Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "max": max,
    "min": min,
    "gcd": gcd,
}
TESTS: dict[str, Callable[[Any, Any], bool]] = {"<": lambda a, b: a < b, "==": lambda a, b: a == b}


@dataclass(frozen=True)
class Search:
    """A function of a candidate, the ``bound`` node: its tests, its result, and the nodes that it decides."""

    bound: Node
    tests: tuple[Test, ...]
    result: tuple[Node, Node]
    inner: frozenset[Node]


def bounds(op: str, a: Bounds, b: Bounds) -> Bounds:
    """Return the least and the most that an operation gives, as far as it is known."""
    (a_low, a_high), (b_low, b_high) = a, b
    match op:
        case "+":
            return _plus(a_low, b_low), _plus(a_high, b_high)
        case "-":
            return _minus(a_low, b_high), _minus(a_high, b_low)
        case "max":
            high = None if a_high is None or b_high is None else max(a_high, b_high)
            return _most(a_low, b_low), high
        case "min":
            low = None if a_low is None or b_low is None else min(a_low, b_low)
            return low, _least(a_high, b_high)
        case "gcd":
            return 0, None
        case "%" if b_low is not None and b_low > 0:
            return 0, None if b_high is None else b_high - 1
        case "*" if a_low is not None and b_low is not None and min(a_low, b_low) >= 0:
            above = None if a_high is None or b_high is None else a_high * b_high
            return a_low * b_low, above
        case "//" if b_low is not None and b_low > 0:
            least = None if a_low is None else 0 if a_low >= 0 else a_low
            most = None if a_high is None else -1 if a_high < 0 else a_high
            return least, most
    return None, None


def _plus(a: int | None, b: int | None) -> int | None:
    return None if a is None or b is None else a + b


def _minus(a: int | None, b: int | None) -> int | None:
    return None if a is None or b is None else a - b


def _most(a: int | None, b: int | None) -> int | None:
    return b if a is None else a if b is None else max(a, b)


def _least(a: int | None, b: int | None) -> int | None:
    return b if a is None else a if b is None else min(a, b)


class Tape:
    """The nodes of a recording with their values, and its tests."""

    def __init__(self) -> None:
        self.nodes: list[Key] = []
        self.values: list[Any] = []
        self.tests: list[Test] = []
        self.inputs = 0
        self.numbers: dict[Node, Any] = {}  # that stand for nodes
        self._known: dict[Key, Node] = {}
        self._truths: dict[tuple[str, Node, Node], bool] = {}
        self._bounds: list[Bounds] = []
        self.zero, self.one = self.constant(0), self.constant(1)

    def input(self, value: int) -> Node:
        """Return the node of one more number that is given, 0 or more."""
        self.inputs += 1
        return self._node(("input", self.inputs - 1), value, (0, None))

    def constant(self, value: int) -> Node:
        found = self._known.get(("constant", value))
        if found is not None:
            return found
        within = (value, value) if type(value) is int else (None, None)
        return self._node(("constant", value), value, within)

    def call(
        self, function: Callable[..., Any], parts: Any, value: Any, kind: type | None = None
    ) -> Node:
        """Return the node of a function's value, of parts that are tuples of nodes.

        A value with a ``kind`` is always of that: for others the recording does not hold.
        """
        key = ("call", function, parts, kind)
        found = self._known.get(key)
        return self._node(key, value) if found is None else found

    def bound(self, value: int) -> Node:
        """Return the node of a candidate of a search."""
        return self._node(("bound", len(self.nodes)), value)

    def depending(self, node: Node) -> frozenset[Node]:
        """Return a node and the operations after it that depend on it."""
        found = {node}
        for later in range(node + 1, len(self.nodes)):
            op, *parts = self.nodes[later]
            if op in DO and not found.isdisjoint(parts):
                found.add(later)
        return frozenset(found)

    def search(
        self,
        candidates: Callable[..., Any],
        number: Node,
        search: Search,
        most: tuple[Node, Node],
        value: int,
    ) -> Node:
        """Return the node of what a search finds."""
        return self._node(("search", candidates, number, search, most), value)

    def do(self, op: str, a: Node, b: Node) -> Node:
        """Return the node of ``a op b``; what needs no operation gets none."""
        key = (op, a, b)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._done(key, op, a, b)
        return found

    def _done(self, key: Key, op: str, a: Node, b: Node) -> Node:
        zero, one = self.zero, self.one
        if op == "*":
            if a == one or b == zero:
                return b
            if b == one or a == zero:
                return a
        elif b == zero:
            if op in ("+", "-"):
                return a
        elif op == "+" and a == zero:
            return b
        elif op == "//" and b == one:
            return a
        elif op == "-" and a == zero and self.nodes[b][:2] == ("-", zero):
            return int(self.nodes[b][2])
        elif op in ("max", "min"):
            less = self._surely_less(a, b, 0)
            if less is not None:
                return b if less is (op == "max") else a
        value = DO[op](self.values[a], self.values[b])
        if self.is_constant(a) and self.is_constant(b):
            return self.constant(value)
        return self._node(key, value, bounds(op, self._bounds[a], self._bounds[b]))

    def test(self, op: str, a: Node, b: Node) -> bool:
        """Return whether ``a op b`` ("<" or "==") holds, and note it."""
        if a == b:
            return op == "=="
        key = (op, a, b)
        known = self._truths.get(key)
        if known is not None:
            return known
        surely = self._surely(op, a, b)
        if surely is not None:
            return surely
        truth = TESTS[op](self.values[a], self.values[b])
        self._truths[key] = truth
        if not (self.is_constant(a) and self.is_constant(b)):
            self.tests.append((op, a, b, truth))
            self._learn(op, a, b, truth)
        return truth

    def _surely(self, op: str, a: Node, b: Node) -> bool | None:
        """Return how a test comes out whatever the numbers are, as far as that is known."""
        if op == "<":
            return self._surely_less(a, b, 1)
        if True in (self._surely_less(a, b, 1), self._surely_less(b, a, 1)):
            return False
        return None

    def _surely_less(self, a: Node, b: Node, by: int) -> bool | None:
        """Return whether ``a + by <= b``, or None if it is not known."""
        (low, high), (other_low, other_high) = self._bounds[a], self._bounds[b]
        if high is not None and other_low is not None and high + by <= other_low:
            return True
        if low is not None and other_high is not None and low + by > other_high:
            return False
        return None

    def _learn(self, op: str, a: Node, b: Node, truth: bool) -> None:
        """Note what a test says of the bounds of what it compares."""
        if op == "==" and not truth:
            return
        (low, high), (other_low, other_high) = self._bounds[a], self._bounds[b]
        if op == "==":
            both = _most(low, other_low), _least(high, other_high)
            self._bounds[a] = self._bounds[b] = both
            return
        if not truth:  # b <= a
            self._bounds[a] = _most(low, other_low), high
            self._bounds[b] = other_low, _least(other_high, high)
            return
        self._bounds[a] = low, _least(high, None if other_high is None else other_high - 1)
        self._bounds[b] = _most(other_low, None if low is None else low + 1), other_high

    def is_constant(self, node: Node) -> bool:
        return bool(self.nodes[node][0] == "constant")

    def _node(self, key: Key, value: Any, within: Bounds = (None, None)) -> Node:
        node = len(self.nodes)
        self._bounds.append(within)
        self.nodes.append(key)
        self.values.append(value)
        self._known[key] = node
        return node
