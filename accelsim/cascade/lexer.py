"""Cuts the text of a cascade into tokens and knows at which file, line and column each one stands."""

from __future__ import annotations

import re
from dataclasses import dataclass

from accelsim.cascade.grammar import MAX_LENGTH
from accelsim.errors import Fault, SpecError

_TOKEN = re.compile(
    r"(?P<space>[ \t\r]+|\#[^\n]*)"
    r"|(?P<newline>\n)"
    r"|(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z_0-9]*)"
    r"|(?P<extent>\|[A-Za-z_][A-Za-z_0-9]*\|)"
    r"|(?P<word>'[^'\n]*')"
    r"|(?P<mark>::|->|<<|>>|<=|>=|==|!=|//|[-+*/%<>=?@:,;()\[\]{}])"
)


@dataclass(frozen=True, kw_only=True)
class Source:
    """A text and where it stands in its file; a YAML block starts at some line and is indented."""

    text: str
    file: str = "<cascade>"
    first_line: int = 1
    indent: int = 0

    def fault(self, at: int, message: str) -> Fault:
        at = max(0, min(at, len(self.text)))
        line = self.text.count("\n", 0, at)
        column = at - (self.text.rfind("\n", 0, at) + 1)
        return Fault(
            message=message,
            file=self.file,
            line=self.first_line + line,
            column=1 + self.indent + column,
        )

    def error(self, at: int, message: str) -> SpecError:
        return SpecError(self.fault(at, message))


@dataclass(frozen=True, kw_only=True)
class Token:
    kind: str
    text: str
    at: int


def tokens(source: Source) -> list[Token]:
    """Return the tokens of a source; the last one is the end."""
    text = source.text
    if len(text) > MAX_LENGTH:
        raise source.error(
            0, f"a cascade must have at most {MAX_LENGTH} characters, not {len(text)}"
        )
    found: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise source.error(at, f"unexpected character {text[at]!r}")
        kind = match.lastgroup or ""
        if kind != "space":
            found.append(Token(kind=kind, text=match.group(), at=at))
        at = match.end()
    found.append(Token(kind="end", text="", at=len(text.rstrip())))
    return found
