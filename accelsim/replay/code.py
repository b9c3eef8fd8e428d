"""From a tape to a function: its tests and operations written out as Python source and compiled."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields, is_dataclass
from fractions import Fraction
from math import gcd
from typing import Any

from accelsim.replay.number import Opaque, Traced
from accelsim.replay.tape import DO, Node, Search, Tape, Test

_new, _set = object.__new__, object.__setattr__
DEEP = 12  # operations in one expression
_OTHERWISE = {("<", True): ">=", ("<", False): "<", ("==", True): "!=", ("==", False): "=="}


class Code:
    """Source in the making: what a function of a tape's inputs does, line by line.

    The text is made of numbers of nodes, of places in the table of constants and of operators only.
    """

    def __init__(self, tape: Tape, tests: Sequence[Test]) -> None:
        self.tape = tape
        self.tests = tests
        self.constants: dict[str, Any] = {}
        self._names: dict[int, str] = {}
        self._uses: dict[Node, int] = {}
        self._texts: dict[Node, tuple[str, int]] = {}
        self.lines: list[str] = []

    def function(self, result: Any) -> Any:
        """Return the function of the inputs that gives the result, or None where a test fails."""
        for _, a, b, _ in self.tests:
            self._use(a)
            self._use(b)
        self._use_all(result)
        self.lines.append("if min(x) < 0: raise ValueError")
        for test in self.tests:
            self._test(test)
        self.lines.append(f"return {self._text(result)}")
        body = "\n".join(f"    {line}" for line in self.lines)
        scope = {
            **self.constants,
            "_make": _make,
            "_fraction": _fraction,
            "gcd": gcd,
            "_largest": _largest,
        }
        # The text is our own, built from operators and numbers only.
        exec(f"def replayed(x):\n{body}", scope)
        return scope["replayed"]

    def _test(self, test: Test) -> None:
        op, a, b, truth = test
        one, other = self._node(a), self._node(b)
        self.lines.append(f"if {one} {_OTHERWISE[op, truth]} {other}: raise ValueError")

    # -- what is used, and how often ----------------------------------------------------------

    def _use(self, node: Node) -> None:
        count = self._uses.get(node, 0)
        self._uses[node] = count + 1
        if count:
            return
        op, *parts = self.tape.nodes[node]
        if op == "call":
            self._use_parts(parts[1])
        elif op == "search":
            _, number, search, most = parts
            for each in (number, *most, *search.result, *(n for t in search.tests for n in t[1:3])):
                self._use(each)
        elif op in DO:
            for part in parts:
                self._use(part)

    def _use_parts(self, parts: Any) -> None:
        if parts and parts[0] in ("node", "quotient"):
            for node in parts[1:]:
                self._use(node)
        elif not parts or parts[0] != "plain":
            for part in parts:
                self._use_parts(part)

    def _use_all(self, value: Any) -> None:
        kind = type(value)
        if kind is Traced:
            self._use(value.above)
            if not value.is_whole:
                self._use(value.below)
        elif kind is Opaque:
            self._use(value.node)
        elif kind in (tuple, list):
            for each in value:
                self._use_all(each)
        elif kind is dict:
            for each in value.values():
                self._use_all(each)
        elif is_dataclass(kind):
            for name in _fields(kind):
                self._use_all(getattr(value, name))

    # -- text ---------------------------------------------------------------------------------

    def _node(self, node: Node) -> str:
        return self._deep(node)[0]

    def _deep(self, node: Node) -> tuple[str, int]:
        """Return the text of a node, and how deep it is; what is used twice becomes a name."""
        known = self._texts.get(node)
        if known is not None:
            return known
        op, *parts = self.tape.nodes[node]
        depth = 0
        if op == "constant":
            text = self._constant(parts[0])
            text = f"({text})" if text.startswith("-") else text
            self._texts[node] = (text, 0)
            return text, 0
        if op == "input":
            text = f"x[{parts[0]}]"
        elif op == "search":
            text = self._search(*parts)
        elif op == "call":
            text = f"{self._constant(parts[0])}{self._parts(parts[1])}"
        else:
            (one, a), (other, b) = (self._deep(part) for part in parts)
            depth = max(a, b) + 1
            if op in ("max", "min"):
                sign = ">" if op == "max" else "<"
                text = f"{op}({one}, {other})"
                if _simple(one) and _simple(other):  # quicker than the call
                    text = f"({other} if {other} {sign} {one} else {one})"
            elif op == "gcd":
                text = f"gcd({one}, {other})"
            else:
                text = f"({one} {op} {other})"
        if op in ("call", "search") or self._uses[node] > 1 or depth >= DEEP:
            self.lines.append(f"v{node} = {text}")
            text, depth = f"v{node}", 0
            self._texts[node] = (text, depth)
        return text, depth

    def _search(
        self, candidates: Any, number: Node, search: Search, most: tuple[Node, Node]
    ) -> str:
        """Write the function of a candidate, and return the text of its search."""
        of, limit = self._node(number), [self._node(node) for node in most]
        for node in sorted(search.inner):
            for part in self.tape.nodes[node][1:]:
                if self._uses.get(node) and node != search.bound and part not in search.inner:
                    self._deep(part)
        outside, self.lines = self.lines, []
        name = f"f{search.bound}"
        self._texts[search.bound] = ("d", 0)
        for test in search.tests:
            self._test(test)
        self.lines.append(f"return {self._quotient(*map(self._node, search.result))}")
        inside, self.lines = self.lines, outside
        for node in search.inner:
            self._texts.pop(node, None)
        self.lines += [f"def {name}(d):", *[f"    {line}" for line in inside]]
        return f"_largest({self._constant(candidates)}({of}), {name}, {self._quotient(*limit)})"

    def _quotient(self, above: str, below: str) -> str:
        return above if below == "1" else f"_fraction({above}, {below})"

    def _parts(self, parts: Any) -> str:
        if parts and parts[0] == "node":
            return self._node(parts[1])
        if parts and parts[0] == "quotient":
            return f"_fraction({self._node(parts[1])}, {self._node(parts[2])})"
        if parts and parts[0] == "plain":
            return self._constant(parts[1])
        return f"({''.join(self._parts(part) + ', ' for part in parts)})"

    def _constant(self, value: Any) -> str:
        if type(value) is int or value is None or value is True or value is False:
            return repr(value)
        name = self._names.get(id(value))
        if name is None:
            name = self._names[id(value)] = f"k{len(self.constants)}"
            self.constants[name] = value
        return name

    def _text(self, value: Any) -> str:
        """Return the source of a value: a constant as far as no number in it stands for others."""
        kind = type(value)
        if kind is Traced:
            if value.is_whole:
                return self._node(value.above)
            return f"_fraction({self._node(value.above)}, {self._node(value.below)})"
        if kind is Opaque:
            return self._node(value.node)
        if kind is dict:
            entries = [f"{self._constant(key)}: {self._text(each)}" for key, each in value.items()]
            return f"{{{', '.join(entries)}}}"
        if kind is list:
            return f"[{', '.join([self._text(each) for each in value])}]"
        if not stands_for_others(value):
            return self._constant(value)
        if kind is tuple:
            return f"({''.join(self._text(each) + ', ' for each in value)})"
        parts = {name: getattr(value, name) for name in _fields(kind)}
        others = [name for name, part in parts.items() if _is_made_anew(part)]
        same = {name: part for name, part in parts.items() if name not in others}
        entries = [f"**{self._constant(same)}"] if same else []
        entries += [f"{name!r}: {self._text(parts[name])}" for name in others]
        return f"_make({self._constant(kind)}, {{{', '.join(entries)}}})"


def _simple(text: str) -> bool:
    return text.isidentifier() or text.isdigit()


def _is_made_anew(value: Any) -> bool:
    """Return whether each result has its own: what can be changed, and what stands for others."""
    return type(value) in (dict, list) or stands_for_others(value)


def stands_for_others(value: Any) -> bool:
    """Return whether some number in a value stands for others."""
    kind = type(value)
    if kind is Traced or kind is Opaque:
        return True
    if kind in (tuple, list):
        return any(map(stands_for_others, value))
    if kind is dict:
        return any(map(stands_for_others, value.values()))
    if is_dataclass(kind):
        return any(stands_for_others(getattr(value, name)) for name in _fields(kind))
    return False


def _fields(kind: Any) -> list[str]:
    return [field.name for field in fields(kind)]


def _make(kind: type, values: dict[str, Any]) -> Any:
    """Return an instance of a dataclass without slots: its fields, and nothing else, are set."""
    made: Any = _new(kind)
    _set(made, "__dict__", values)
    return made


def _fraction(above: int, below: int) -> Fraction:
    """Return a quotient in least terms, without the checks of its class: ``below`` is above 0."""
    made: Any = _new(Fraction)
    if below != 1:
        common = gcd(above, below)
        if common != 1:
            above //= common
            below //= common
    made._numerator, made._denominator = above, below  # noqa: SLF001
    return made  # type: ignore[no-any-return]


def _largest(candidates: Iterable[int], function: Callable[[int], Any], most: Any) -> int:
    for each in candidates:
        if function(each) <= most:
            return each
    raise ValueError
