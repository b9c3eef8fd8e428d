"""From a tape to a function: its tests and operations written out as Python source and compiled."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields, is_dataclass
from fractions import Fraction
from functools import cache
from math import gcd
from typing import Any

from accelsim.replay.exact import Numbers, Present
from accelsim.replay.number import Traced
from accelsim.replay.opaque import Opaque
from accelsim.replay.tape import DO, Node, Search, Tape, Test

DEEP = 12  # operations in one expression
_OTHERWISE = {("<", True): ">=", ("<", False): "<", ("==", True): "!=", ("==", False): "=="}
_new, _set = object.__new__, object.__setattr__


class Code:
    """Source in the making: what a function of a tape's inputs does, line by line.

    The text is made of numbers of nodes, of places in the table of constants and of operators only.
    """

    def __init__(self, tape: Tape, tests: Sequence[Test]) -> None:
        self.tape = tape
        self.tests = tests
        self.constants: dict[str, Any] = {}
        self._names: dict[int, str] = {}
        self._uses: list[int] = [0] * len(tape.nodes)
        self._texts: dict[Node, tuple[str, int]] = {}
        self.lines: list[str] = []
        self._failing: list[str] = []  # conditions under which it is not what was recorded

    def function(self, result: Any) -> Callable[[Sequence[int]], Any]:
        """Return the function of the inputs that gives the result; ValueError where a test fails."""
        for _, a, b, _ in self.tests:
            self._uses[a] += 1
            self._uses[b] += 1
        self._count(result)
        for node in range(len(self._uses) - 1, -1, -1):
            if self._uses[node]:
                for part in _needed(self.tape.nodes[node]):
                    self._uses[part] += 1
        self._failing.append("min(x) < 0")
        for test in self.tests:
            self._test(test)
        self._stop_there()
        self.lines.append(f"return {self._text(result)}")
        body = "\n".join(f"    {line}" for line in self.lines)
        scope = {**self.constants, "_make": _make, "_fraction": _fraction}
        scope |= {
            "_kind": _kind,
            "_filled": _filled,
            "gcd": gcd,
            "_largest": _largest,
            "_present": _present,
        }
        # The text is our own, built from operators and numbers only.
        exec(f"def replayed(x):\n{body}", scope)
        found: Callable[[Sequence[int]], Any] = scope["replayed"]
        return found

    def _count(self, value: Any) -> None:
        """Count what a result uses of the nodes."""
        kind: Any = type(value)
        if kind is Traced:
            self._uses[value.above] += 1
            if not value.is_whole:
                self._uses[value.below] += 1
        elif kind is Opaque:
            self._uses[value.node] += 1
        elif kind is tuple or kind is list or kind is Numbers:
            for each in value:
                self._count(each)
        elif kind is dict or kind is Present:
            for each in value.values():
                self._count(each)
        else:
            for name in _fields(kind):
                self._count(getattr(value, name))

    # -- nodes --------------------------------------------------------------------------------

    def _test(self, test: Test) -> None:
        op, a, b, truth = test
        one, other = self._node(a), self._node(b)
        self._failing.append(f"{one} {_OTHERWISE[op, truth]} {other}")

    def _stop_there(self) -> None:
        """Write the tests so far: before functions are called that were not for other numbers."""
        if self._failing:
            self.lines.append(f"if {' or '.join(self._failing)}: raise ValueError")
            self._failing.clear()

    def _node(self, node: Node) -> str:
        return self._deep(node)[0]

    def _deep(self, node: Node) -> tuple[str, int]:
        """Return the text of a node, and how deep it is; what is used twice becomes a name."""
        known = self._texts.get(node)
        if known is not None:
            return known
        key = self.tape.nodes[node]
        op, depth = key[0], 0
        if op in DO:
            one, a = self._deep(key[1])
            other, b = self._deep(key[2])
            depth = max(a, b) + 1
            text = _operation(op, one, other)
        elif op == "constant":
            text = self._constant(key[1])
            return self._named(node, f"({text})" if text[0] == "-" else text)
        elif op == "input":
            text = f"x[{key[1]}]"
        elif op == "search":
            text = self._search(*key[1:])
        else:
            text, depth = f"{self._constant(key[1])}{self._parts(key[2])}", 1
            if key[3] is not None:
                text = f"_kind({text}, {self._constant(key[3])})"
            if self._failing:
                self._stop_there()
                depth = DEEP
        if self._uses[node] > 1 or depth >= DEEP:
            self.lines.append(f"v{node} = {text}")
            return self._named(node, f"v{node}")
        return text, depth

    def _named(self, node: Node, name: str) -> tuple[str, int]:
        self._texts[node] = (name, 0)
        return name, 0

    def _search(
        self, candidates: Any, number: Node, search: Search, most: tuple[Node, Node]
    ) -> str:
        """Write the function of a candidate, and return the text of its search."""
        of, limit = self._node(number), [self._node(node) for node in most]
        for node in sorted(search.inner):
            for part in self.tape.nodes[node][1:]:
                if self._uses[node] and node != search.bound and part not in search.inner:
                    self._deep(part)
        self._stop_there()
        outside, self.lines = self.lines, []
        name = f"f{search.bound}"
        self._texts[search.bound] = ("d", 0)
        for test in search.tests:
            self._test(test)
        self._stop_there()
        self.lines.append(f"return {_quotient(*map(self._node, search.result))}")
        inside, self.lines = self.lines, outside
        for node in search.inner:
            self._texts.pop(node, None)
        self.lines += [f"def {name}(d):", *[f"    {line}" for line in inside]]
        return f"_largest({self._constant(candidates)}({of}), {name}, {_quotient(*limit)})"

    def _parts(self, parts: Any) -> str:
        """Return the text of the arguments of a call."""
        if parts and parts[0] == "node":
            return self._node(parts[1])
        if parts and parts[0] == "quotient":
            return f"_fraction({self._node(parts[1])}, {self._node(parts[2])})"
        if parts and parts[0] == "plain":
            return self._constant(parts[1])
        return f"({''.join([f'{self._parts(part)}, ' for part in parts])})"

    # -- results ------------------------------------------------------------------------------

    def _constant(self, value: Any) -> str:
        if type(value) is int or value is None or value is True or value is False:
            return repr(value)
        name = self._names.get(id(value))
        if name is None:
            name = self._names[id(value)] = f"k{len(self.constants)}"
            self.constants[name] = value
        return name

    def _text(self, value: Any) -> str:
        return self._anew(value) or self._constant(value)

    def _anew(self, value: Any) -> str | None:
        """Return the source of a value that each result has its own of, None of one that all share.

        Its own is what can be changed, and what has a number in it that stands for others.
        """
        kind: Any = type(value)
        if kind is Traced:
            if value.is_whole:
                return self._node(value.above)
            return f"_fraction({self._node(value.above)}, {self._node(value.below)})"
        if kind is Opaque:
            return self._node(value.node)
        if kind is Present:
            return f"_present({self._anew(dict(value))})"
        if kind is dict:
            entries = [f"{self._constant(key)}: {self._text(each)}" for key, each in value.items()]
            return f"{{{', '.join(entries)}}}"
        if kind is list:
            return f"[{', '.join([self._text(each) for each in value])}]"
        if kind is Numbers:
            return self._array(value)
        if kind is tuple:
            texts = [self._anew(each) for each in value]
            if not any(texts):
                return None
            parts = [text or self._constant(each) for each, text in zip(value, texts, strict=True)]
            return f"({', '.join(parts)}, )"
        return self._instance(kind, {name: getattr(value, name) for name in _fields(kind)})

    def _array(self, numbers: Numbers) -> str:
        own = {place: self._anew(value) for place, value in enumerate(numbers)}
        own = {place: text for place, text in own.items() if text}
        same = array("q", [0 if place in own else n for place, n in enumerate(numbers)])
        if max(same, default=0) >= numbers.below or min(same, default=0) <= -numbers.below:
            raise OverflowError
        places, parts = tuple(own), "".join([f"{text}, " for text in own.values()])
        arguments = (self._constant(same), self._constant(places), f"({parts})", str(numbers.below))
        return f"_filled({', '.join(arguments)})"

    def _instance(self, kind: type, values: dict[str, Any]) -> str | None:
        """Return the source of an instance of a dataclass: what all share of it, and what is its own."""
        texts = {name: self._anew(value) for name, value in values.items()}
        own = [f"{name!r}: {text}" for name, text in texts.items() if text]
        if not own:
            return None
        shared = {name: value for name, value in values.items() if not texts[name]}
        entries = ([f"**{self._constant(shared)}"] if shared else []) + own
        return f"_make({self._constant(kind)}, {{{', '.join(entries)}}})"


def _needed(key: tuple[Any, ...]) -> Iterable[Node]:
    """Return the nodes that a node is made of."""
    op = key[0]
    if op in DO:
        return key[1:]
    if op == "call":
        return _argued(key[2])
    if op == "search":
        _, _, number, search, most = key
        return (number, *most, *search.result, *(n for test in search.tests for n in test[1:3]))
    return ()


def _argued(parts: Any) -> Iterable[Node]:
    if not parts or parts[0] == "plain":
        return ()
    if parts[0] in ("node", "quotient"):
        return parts[1:]  # type: ignore[no-any-return]
    return [node for part in parts for node in _argued(part)]


def _operation(op: str, one: str, other: str) -> str:
    if op in ("max", "min"):
        if _simple(one) and _simple(other):  # quicker than the call
            return f"({other} if {other} {'>' if op == 'max' else '<'} {one} else {one})"
        return f"{op}({one}, {other})"
    return f"gcd({one}, {other})" if op == "gcd" else f"({one} {op} {other})"


def _simple(text: str) -> bool:
    return text.isidentifier() or text.isdigit()


def _quotient(above: str, below: str) -> str:
    return above if below == "1" else f"_fraction({above}, {below})"


@cache
def _fields(kind: Any) -> tuple[str, ...]:
    """Return the fields of a dataclass; of others none."""
    return tuple(field.name for field in fields(kind)) if is_dataclass(kind) else ()


def _make(kind: type, values: dict[str, Any]) -> Any:
    """Return an instance of a dataclass without slots: its fields, and nothing else, are set."""
    made: Any = _new(kind)
    _set(made, "__dict__", values)
    return made


def _present(table: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in table.items() if value}


def _kind(value: Any, kind: type) -> Any:
    """Return a value of a kind; ValueError if it is none."""
    if type(value) is not kind:
        raise ValueError
    return value


def _filled(
    same: array[int], places: tuple[int, ...], own: tuple[int, ...], below: int
) -> array[int]:
    """Return an array with other numbers in some places; OverflowError if one is too large."""
    if own and (max(own) >= below or min(own) <= -below):
        raise OverflowError
    made = same[:]
    for place, number in zip(places, own, strict=True):
        made[place] = number
    return made


def _largest(candidates: Iterable[int], function: Callable[[int], Any], most: Any) -> int:
    for each in candidates:
        if function(each) <= most:
            return each
    raise ValueError


def _fraction(above: int, below: int) -> Fraction:
    """Return a quotient in least terms, without the checks of its class: ``below`` is above 0."""
    made: Fraction = _new(Fraction)
    if below != 1:
        common = gcd(above, below)
        if common != 1:
            above //= common
            below //= common
    _set(made, "_numerator", above)
    _set(made, "_denominator", below)
    return made
