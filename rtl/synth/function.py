"""Boolean functions of liberty cells, as Python expressions over words of parallel bits."""

from __future__ import annotations

import re

_TOKEN = re.compile(r"\s*([A-Za-z_]\w*(?:\[\d+\])?|[01]|[()!'*&+|^])")


def names(text: str) -> list[str]:
    """Return the pins of a function, each once, in order."""
    found = [token for token in _tokens(text) if token[0].isalpha() or token[0] == "_"]
    return list(dict.fromkeys(found))


def expression(text: str, words: dict[str, str], full: str = "full") -> str:
    """Write a function over ``words`` (the expression of each pin); ``full`` has every bit set.

    Liberty's operators, tightest first: ``!x`` and ``x'``; ``^``; ``*``, ``&`` and nothing; ``+``
    and ``|``. Raises ValueError if it is none.

    >>> expression("(A B)' + !C", {"A": "a", "B": "b", "C": "c"})
    '(((a & b) ^ full) | (c ^ full))'
    """
    parser = _Parser(_tokens(text), words, full)
    found = parser.either()
    if parser.rest:
        raise ValueError(f"a function must end where {''.join(parser.rest)!r} stands")
    return found


def _tokens(text: str) -> list[str]:
    found, at = [], 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ValueError(f"a function must not have {text[at:]!r}")
        found.append(match[1])
        at = match.end()
    return found


class _Parser:
    def __init__(self, tokens: list[str], words: dict[str, str], full: str) -> None:
        self.rest = tokens
        self._words = words
        self._full = full

    def either(self) -> str:
        return self._chain(self._both, {"+", "|"}, " | ")

    def _both(self) -> str:
        found = [self._exclusive()]
        while self.rest and self.rest[0] not in {"+", "|", ")"}:
            if self.rest[0] in {"*", "&"}:
                self.rest = self.rest[1:]
            found.append(self._exclusive())
        return found[0] if len(found) == 1 else f"({' & '.join(found)})"

    def _exclusive(self) -> str:
        return self._chain(self._not, {"^"}, " ^ ")

    def _chain(self, part: object, symbols: set[str], joint: str) -> str:
        read = part
        assert callable(read)
        found = [read()]
        while self.rest and self.rest[0] in symbols:
            self.rest = self.rest[1:]
            found.append(read())
        return found[0] if len(found) == 1 else f"({joint.join(found)})"

    def _not(self) -> str:
        if not self.rest:
            raise ValueError("a function must not end here")
        token, self.rest = self.rest[0], self.rest[1:]
        if token == "!":
            return f"({self._not()} ^ {self._full})"
        if token == "(":
            found = self.either()
            if not self.rest or self.rest[0] != ")":
                raise ValueError("a function must close its brackets")
            self.rest = self.rest[1:]
        elif token in {"0", "1"}:
            found = self._full if token == "1" else "0"
        elif token in self._words:
            found = self._words[token]
        else:
            raise ValueError(f"a function must name a pin, not {token!r}")
        while self.rest and self.rest[0] == "'":
            found = f"({found} ^ {self._full})"
            self.rest = self.rest[1:]
        return found
