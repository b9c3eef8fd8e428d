"""A place in the tokens of a cascade's text: what is there, taking it, and what to say if it is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from accelsim.cascade.grammar import WORDS
from accelsim.cascade.lexer import Source, Token, tokens
from accelsim.errors import SpecError

_T = TypeVar("_T")


class Cursor:
    """The tokens of a source, read from left to right."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.tokens = tokens(source)
        self.position = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.position]

    def ahead(self, count: int = 1) -> Token:
        return self.tokens[min(self.position + count, len(self.tokens) - 1)]

    def take(self) -> Token:
        token = self.token
        if token.kind != "end":
            self.position += 1
        return token

    def accept(self, *texts: str) -> Token | None:
        if self.token.text in texts and self.token.kind in ("mark", "name"):
            return self.take()
        return None

    def expect(self, text: str, where: str) -> Token:
        found = self.accept(text)
        if found is None:
            raise self.error(f"expected {text!r} {where}, not {self.found()}")
        return found

    def found(self) -> str:
        kind, text = self.token.kind, self.token.text
        return "the end of the line" if kind in ("end", "newline") else repr(text)

    def error(self, message: str, at: int | None = None) -> SpecError:
        return self.source.error(self.token.at if at is None else at, message)

    def name(self, what: str) -> Token:
        if self.token.kind != "name":
            raise self.error(f"expected {what}, not {self.found()}")
        if self.token.text in WORDS:
            raise self.error(
                f"{self.token.text!r} is a word of the notation and cannot name {what}"
            )
        return self.take()

    def listed(self, end: str, item: Callable[[], _T]) -> tuple[_T, ...]:
        """Return the items up to the closing bracket, which may be none."""
        items: list[_T] = []
        if self.accept(end):
            return ()
        while True:
            items.append(item())
            if self.accept(end):
                return tuple(items)
            self.expect(",", f"or {end!r}")
