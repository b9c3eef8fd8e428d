"""Reads a YAML file into plain data that remembers where each value stands.

The rules are those of the YAML 1.2 core schema: ``1e9`` is a number, ``on`` is text. Duplicate
keys, custom tags, several documents in one file, and anything large enough to stall are refused.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from accelsim.errors import Fault, SpecError
from accelsim.kept import Kept
from accelsim.specs.scalars import resolve
from accelsim.units import brief

Loc: TypeAlias = tuple[str | int, ...]
Place: TypeAlias = tuple[int, int]

MAX_BYTES = 4_000_000
MAX_DEPTH = 64
MAX_VALUES = 200_000
KEPT_TEXTS = 128  # of texts that were read last, the documents are kept
KEPT_LENGTH = 100_000  # of one of them, in characters
KEPT_MADE = 32  # of what was made of a document last

_UNPRINTABLE = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, kw_only=True)
class Document:
    """The data of one file; lines and columns count from 1.

    ``marks`` and ``key_marks`` give the place of each value, and of its key, by path: the width of
    ``{"levels": [{"size": 1}]}`` is at ``("levels", 0, "size")``. Nobody changes the data: who reads the
    same text again gets the same document, with what was ``kept`` of it: models, tables.
    """

    path: str
    data: Any
    marks: dict[Loc, Place] = field(default_factory=dict, repr=False)
    key_marks: dict[Loc, Place] = field(default_factory=dict, repr=False)
    source: str = field(default="", repr=False)
    kept: Kept = field(
        default_factory=lambda: Kept(KEPT_MADE), init=False, repr=False, compare=False
    )

    def at(self, loc: Loc, *, key: bool = False) -> Place:
        """Return (line, column) of the value (or of its key) at ``loc``, else of its nearest parent."""
        if key and loc in self.key_marks:
            return self.key_marks[loc]
        for end in range(len(loc), -1, -1):
            if loc[:end] in self.marks:
                return self.marks[loc[:end]]
        return (1, 1)

    def fault(self, loc: Loc, message: str, *, key: bool = False) -> Fault:
        line, column = self.at(loc, key=key)
        return Fault(message=message, file=self.path, line=line, column=column)

    def fault_within(self, loc: Loc, message: str, line: int, column: int) -> Fault:
        """Return a fault at a line and column of the text that stands at ``loc``.

        Exact for a literal block (``|``) and for text on one line.
        """
        top, left = self.at(loc)
        lines = self.source.splitlines()
        head = lines[top - 1][left - 1 :] if top <= len(lines) else ""
        if re.match(r"(?:[&!]\S+\s+)*[|>]", head):
            return Fault(
                message=message,
                file=self.path,
                line=top + line,
                column=column + self._indent(loc, lines[top:]),
            )
        quoted = int(head[:1] in {"'", '"'})
        return Fault(message=message, file=self.path, line=top, column=left + quoted + column - 1)

    def _indent(self, loc: Loc, lines: list[str]) -> int:
        value: Any = self.data
        for part in loc:
            value = value[part]
        for written, read in zip(lines, str(value).splitlines(), strict=False):
            if read.strip():
                return len(written.rstrip()) - len(read.rstrip())
        return 0


@dataclass(kw_only=True)
class _Node:
    """A value while it is read; ``size`` and ``depth`` include what aliases stand for."""

    place: Place
    value: Any = None
    items: list[tuple[Any, Place, _Node]] | None = None
    mapping: bool = False
    size: int = 1
    depth: int = 1
    closed: bool = False
    key: tuple[Any, Place] | None = None
    seen: dict[Any, Place] = field(default_factory=dict)


class ReadOnce:
    """While it is entered, in this thread, a file that was read is not read again.

    A study of thousands of points takes its files as they were: what changes meanwhile would mix two designs.
    """

    def __init__(self) -> None:
        self._documents: dict[str, Document] = {}
        self._before: list[dict[str, Document] | None] = []

    def __enter__(self) -> ReadOnce:
        self._before.append(getattr(_local, "documents", None))
        _local.documents = self._documents
        return self

    def __exit__(self, *_: object) -> None:
        _local.documents = self._before.pop()


_local = threading.local()


def read(path: str | Path) -> Document:
    """Read a file; SpecError lists every fault found in it."""
    name = str(path)
    documents: dict[str, Document] | None = getattr(_local, "documents", None)
    if documents is None:
        return _read(name)
    if name not in documents:
        documents[name] = _read(name)
    return documents[name]


def _read(name: str) -> Document:
    try:
        with open(name, "rb") as file:  # noqa: PTH123 - several of each design of a study
            raw = file.read(KEPT_LENGTH)  # room is made for all that is asked for
            if len(raw) == KEPT_LENGTH:
                raw += file.read(MAX_BYTES + 1 - KEPT_LENGTH)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SpecError(Fault(message=f"cannot be read: {reason}", file=name)) from None
    if len(raw) > MAX_BYTES:
        raise SpecError(_too_large(name))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - raw.rfind(b"\n", 0, error.start)
        message = f"must be UTF-8 text, not the byte 0x{raw[error.start]:02x}"
        raise SpecError(Fault(message=message, file=name, line=line, column=column)) from None
    return read_text(text, name)


def read_text(text: str, name: str = "<text>") -> Document:
    """Read YAML from a string; ``name`` stands for the file in messages."""
    if len(text) > MAX_BYTES:
        raise SpecError(_too_large(name))
    return _kept(text, name) if len(text) <= KEPT_LENGTH else _parsed(text, name)


def _parsed(text: str, name: str) -> Document:
    wrong = _UNPRINTABLE.search(text)
    if wrong:
        line = text.count("\n", 0, wrong.start()) + 1
        column = wrong.start() - text.rfind("\n", 0, wrong.start())
        message = f"must be text, not the character {wrong[0]!a}"
        raise SpecError(Fault(message=message, file=name, line=line, column=column))
    composer = _Composer(name)
    try:
        root = composer.compose(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        why = ", ".join(part for part in (error.context, error.problem) if part)
        composer.report(place, f"must be YAML: {why}")
    except yaml.YAMLError as error:
        composer.report((1, 1), f"must be YAML: {error}")
    except _StopReadingError:
        pass
    if composer.faults:
        raise SpecError(composer.faults)
    if root is None:
        raise SpecError(Fault(message="must not be empty", file=name))
    marks: dict[Loc, Place] = {}
    key_marks: dict[Loc, Place] = {}
    data = _plain(root, (), marks, key_marks)
    return Document(path=name, data=data, marks=marks, key_marks=key_marks, source=text)


@lru_cache(maxsize=KEPT_TEXTS)
def _kept(text: str, name: str) -> Document:
    return _parsed(text, name)


class _StopReadingError(Exception):
    """The rest of the text need not be read; the fault is on record."""


class _Composer:
    """Builds nodes from parser events without recursion, so that nesting costs nothing."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.faults: list[Fault] = []
        self.anchors: dict[str, _Node] = {}
        self.stack: list[_Node] = []
        self.root: _Node | None = None
        self.count = 0

    def compose(self, text: str) -> _Node | None:
        documents = 0
        for event in self._events(text):
            place = (event.start_mark.line + 1, event.start_mark.column + 1)
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self.stop(place, "must be one document, not several separated by '---'")
            elif isinstance(event, yaml.ScalarEvent):
                self._scalar(event, place)
            elif isinstance(event, yaml.AliasEvent):
                self._alias(event, place)
            elif isinstance(event, yaml.SequenceStartEvent | yaml.MappingStartEvent):
                self._open(event, place)
            elif isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
                self._close()
        empty = self.root is not None and self.root.items is None and self.root.value is None
        return None if empty else self.root

    def report(self, place: Place, message: str) -> None:
        self.faults.append(Fault(message=message, file=self.name, line=place[0], column=place[1]))

    def stop(self, place: Place, message: str) -> None:
        self.report(place, message)
        raise _StopReadingError

    def _events(self, text: str) -> Iterator[Any]:
        return iter(yaml.parse(text, Loader=_LOADER))

    def _scalar(self, event: yaml.ScalarEvent, place: Place) -> None:
        self._counted(1, place)
        is_key = self._expects_key()
        value: Any = event.value
        try:
            value = resolve(event.value, tag=event.tag, plain=event.implicit[0])
        except ValueError as error:
            self.report(place, str(error))
        if is_key:
            # Only whole numbers keep their meaning as keys: {on: 1} and {1e9: 1} have text keys.
            whole = isinstance(value, int) and not isinstance(value, bool)
            self._key(value if whole else event.value, place)
            if event.anchor:
                self.report(place, "must be a key without an anchor")
            return
        node = _Node(place=place, value=value, closed=True)
        if event.anchor:
            self.anchors[event.anchor] = node
        self._add(node, place)

    def _alias(self, event: yaml.AliasEvent, place: Place) -> None:
        anchor = str(event.anchor)
        if anchor not in self.anchors:
            self.stop(place, f"alias '*{anchor}' must name an anchor that stands before it")
        node = self.anchors[anchor]
        if not node.closed:
            self.stop(place, f"alias '*{anchor}' must not stand inside its own anchor")
        if self._expects_key():
            self.stop(place, f"must be a plain key, not the alias '*{anchor}'")
        self._counted(node.size, place)
        self._add(node, place)

    def _open(self, event: Any, place: Place) -> None:
        if event.tag not in {None, "!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"}:
            self.report(place, f"must have no tag, not {event.tag!r}")
        if self._expects_key():
            self.stop(place, "must be a plain key, not a list or a mapping")
        self._counted(1, place)
        node = _Node(place=place, items=[], mapping=isinstance(event, yaml.MappingStartEvent))
        if event.anchor:
            self.anchors[event.anchor] = node
        self.stack.append(node)
        if len(self.stack) > MAX_DEPTH:
            self.stop(place, f"must be nested at most {MAX_DEPTH} levels deep")

    def _close(self) -> None:
        node = self.stack.pop()
        node.closed = True
        self._add(node, node.place)

    def _expects_key(self) -> bool:
        return bool(self.stack) and self.stack[-1].mapping and self.stack[-1].key is None

    def _key(self, key: Any, place: Place) -> None:
        parent = self.stack[-1]
        if key in parent.seen:
            line = parent.seen[key][0]
            self.report(place, f"duplicate key {brief(key)}, first on line {line}")
        parent.seen.setdefault(key, place)
        parent.key = (key, place)

    def _add(self, node: _Node, place: Place) -> None:
        if not self.stack:
            self.root = node
            return
        parent = self.stack[-1]
        if parent.items is None:
            return
        key, key_place = parent.key or (len(parent.items), place)
        parent.items.append((key, key_place, node))
        parent.key = None
        parent.size += node.size
        parent.depth = max(parent.depth, node.depth + 1)
        if len(self.stack) + node.depth > MAX_DEPTH + 1:
            self.stop(place, f"must be nested at most {MAX_DEPTH} levels deep")

    def _counted(self, size: int, place: Place) -> None:
        self.count += size
        if self.count > MAX_VALUES:
            self.stop(place, f"must hold at most {MAX_VALUES} values, aliases counted in full")


def _plain(node: _Node, loc: Loc, marks: dict[Loc, Place], keys: dict[Loc, Place]) -> Any:
    marks[loc] = node.place
    if node.items is None:
        return node.value
    for key, place, _ in node.items:
        keys[(*loc, key)] = place
    values = ((key, _plain(child, (*loc, key), marks, keys)) for key, _, child in node.items)
    return dict(values) if node.mapping else [value for _, value in values]


def _too_large(name: str) -> Fault:
    return Fault(message=f"must have at most {MAX_BYTES} bytes", file=name)
