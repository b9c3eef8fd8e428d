"""Reads liberty files: the groups of a cell, parsed only when the cell is asked for."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from accelsim.errors import Fault, SpecError, nearest

_TOKEN = re.compile(r'"([^"]*)"|([A-Za-z_0-9.+\-\[\]$%*!&|^\']+)|([(){}:;,])', re.DOTALL)
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_POWER = re.compile(
    r"(?:internal_power\s*\(\s*\)\s*\{(?:[^{}]|\{[^{}]*\})*\}|leakage_power\s*\(\s*\)\s*\{[^{}]*\})"
)
_CELL = re.compile(r'(?:^|(?<=[\s;}]))cell\s*\(\s*"?([^")\s]+)"?\s*\)\s*\{')


@dataclass
class Group:
    """``kind (arguments) { attributes and groups }``; an attribute's values are texts."""

    kind: str
    arguments: list[str]
    attributes: dict[str, list[str]] = field(default_factory=dict)
    groups: list[Group] = field(default_factory=list)

    def all(self, kind: str) -> Iterator[Group]:
        return (group for group in self.groups if group.kind == kind)

    def first(self, kind: str) -> Group | None:
        return next(self.all(kind), None)

    def text(self, name: str, default: str = "") -> str:
        values = self.attributes.get(name)
        return values[0] if values else default

    def number(self, name: str, default: float | None = None) -> float | None:
        text = self.text(name)
        return float(text) if text else default

    def numbers(self, name: str) -> list[float]:
        """Return the numbers of all the values: of ``index_1 ("1, 2")`` and ``values ("1", "2")``."""
        return [
            float(word)
            for text in self.attributes.get(name, [])
            for word in text.replace("\\", " ").replace(",", " ").split()
        ]


class LibraryFile:
    """One liberty file; SpecError if it cannot be read as one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            raw = path.read_bytes()
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise SpecError(f"{path} cannot be read: {reason}") from None
        try:
            plain = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
            self.sha256 = hashlib.sha256(plain).hexdigest()  # the same, packed or not
            self.text = _COMMENT.sub(" ", plain.decode("utf-8", "replace")).replace("\\\n", "\n")
        except (OSError, EOFError):
            raise SpecError(f"{path} must be a liberty file, not a damaged archive") from None
        starts = [(found[1], found.start()) for found in _CELL.finditer(self.text)]
        if not starts:
            raise SpecError(Fault(message="must be a liberty file with cells", file=str(path)))
        ends = [start for _, start in starts[1:]] + [len(self.text)]
        self._spans = {name: (start, end) for (name, start), end in zip(starts, ends, strict=True)}
        self._cells: dict[str, Group] = {}

    @property
    def cells(self) -> list[str]:
        return list(self._spans)

    def cell(self, name: str) -> Group:
        if name not in self._spans:
            raise SpecError(f"{self.path} has no cell {name!r}{nearest(name, self._spans)}")
        if name not in self._cells:
            self._cells[name] = self._parse(*self._spans[name])
        return self._cells[name]

    @cached_property
    def header(self) -> Group:
        """What stands before the first cell: units, templates, defaults."""
        return self._parse(0, min(start for start, _ in self._spans.values()))

    @property
    def name(self) -> str:
        return self.header.arguments[0]

    @property
    def for_mapping(self) -> str:
        """The text without what mapping has no use for, which is most of it."""
        return _POWER.sub(" ", self.text)

    def _parse(self, start: int, end: int) -> Group:
        reader = _Reader(self.text, start, end)
        try:
            return reader.statement_group()
        except (IndexError, ValueError) as error:
            line = self.text.count("\n", 0, start) + 1
            fault = Fault(message=f"must be liberty: {error}", file=str(self.path), line=line)
            raise SpecError(fault) from None


class _Reader:
    """Recursive descent over the tokens of a span; the end of the span closes what is open."""

    def __init__(self, text: str, start: int, end: int) -> None:
        self._tokens = [
            (found[1], True) if found[1] is not None else (found[2] or found[3], False)
            for found in _TOKEN.finditer(text, start, end)
        ]
        self._next = 0

    def statement_group(self) -> Group:
        top = Group("", [])
        self._statement(top)
        return top.groups[0]

    def _peek(self) -> str:
        if self._next >= len(self._tokens):
            return "}"
        text, quoted = self._tokens[self._next]
        return '"' if quoted else text

    def _take(self) -> str:
        text = self._tokens[self._next][0]
        self._next += 1
        return text

    def _statement(self, into: Group) -> None:
        name = self._take()
        if self._peek() == ":":
            self._take()
            words = [self._take()]
            while self._peek() not in {";", "}"} and self._same_value():
                words.append(self._take())
            into.attributes[name] = [" ".join(words)]
        elif self._peek() == "(":
            arguments = self._arguments()
            if self._peek() == "{":
                self._take()
                group = Group(name, arguments)
                while self._peek() != "}":
                    self._statement(group)
                if self._next < len(self._tokens):
                    self._take()
                into.groups.append(group)
            else:
                into.attributes[name] = arguments
        if self._peek() == ";":
            self._take()

    def _same_value(self) -> bool:
        """A value without its semicolon ends where the next statement starts."""
        following = self._tokens[self._next + 1 : self._next + 2]
        return not following or following[0][0] not in {":", "("}

    def _arguments(self) -> list[str]:
        self._take()
        found = []
        while self._peek() != ")":
            word = self._take()
            if word != ",":
                found.append(word)
        self._take()
        return found
