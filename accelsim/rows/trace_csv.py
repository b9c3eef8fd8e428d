"""Reads the traces that the SpAtten authors publish (CSV): strictly, every fault with its place.

Two forms. Generation (17 columns): a row per iteration, layer and surviving head; the last line names
the configuration and is no row. Encoders (15 columns): no iteration, one number of tokens for queries,
keys and values. A number of -1 stands for "none"; D is written as a float.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from accelsim.errors import Fault, SpecError, nearest
from accelsim.rows.row import Row, Rows
from accelsim.units import brief

MAX_BYTES = 1 << 28
MOST_FAULTS = 20
MOST = 1 << 24  # of any count: what is larger is a slip of the pen
MOST_BITS = 64

_SHARED = (
    "layer_id",
    "head_id",
    "embedding_length_D",
    "sentence_length_L",
    "quant_key_bit",
    "quant_query_bit",
    "quant_value_bit",
    "auto_requant_thres",
    "if_requant",
    "auto_requant_incre",
    "if_accumulate_importance",
    "if_topk",
    "topk",
)
GENERATION = (
    *_SHARED,
    "iteration_id",
    "key_fetch_num",
    "value_fetch_num",
    "if_rescale_previous_importance",
)
ENCODER = (*_SHARED, "key_value_query_fetch_num", "auto_requant_num")


def read_trace(path: str | Path) -> Rows:
    """Return the rows of a trace file; SpecError lists its faults by line."""
    return _Reader(str(path)).read()


@dataclass
class _Reader:
    """The state of reading one file."""

    path: str
    faults: list[Fault] = field(default_factory=list)
    generation: bool = True
    places: dict[str, int] = field(default_factory=dict)

    def read(self) -> Rows:
        lines = self._lines()
        self._header(lines[0])
        body, footer = lines[1:], ""
        if body and _names(body[-1]):
            footer = body[-1].split(",")[0].strip()
            body = body[:-1]
        elif self.generation:
            self.fault(len(lines), 1, "the last line must name the configuration: is the file cut?")
        rows: list[tuple[int, Row]] = []
        for number, line in enumerate(body, start=2):
            row = self._row(number, line)
            if row is not None:
                rows.append((number, row))
            if len(self.faults) >= MOST_FAULTS:
                break
        if not self.faults and not rows:
            self.fault(len(lines), 1, "the file must have a row")
        if not self.faults:
            self.faults += check_order(self.path, rows)[:MOST_FAULTS]
        if self.faults:
            raise SpecError(self.faults)
        name = Path(self.path).stem
        return Rows(rows=tuple(row for _, row in rows), name=name, source=footer or name)

    def _lines(self) -> list[str]:
        try:
            if Path(self.path).stat().st_size > MAX_BYTES:
                raise SpecError(
                    Fault(message=f"must have at most {MAX_BYTES} bytes", file=self.path)
                )
            text = Path(self.path).read_text(encoding="utf-8")
        except OSError as error:
            message = f"cannot be read: {error.strerror or error}"
            raise SpecError(Fault(message=message, file=self.path)) from None
        except (UnicodeDecodeError, ValueError):
            raise SpecError(Fault(message="must be text in UTF-8", file=self.path)) from None
        lines = text.removeprefix("\ufeff").split("\n")
        while lines and not lines[-1].strip():
            lines.pop()
        if not lines:
            raise SpecError(Fault(message="must have a header, and rows", file=self.path))
        return [line.rstrip("\r") for line in lines]

    def fault(self, line: int, column: int, message: str) -> None:
        self.faults.append(Fault(message=message, file=self.path, line=line, column=column))

    def _header(self, line: str) -> None:
        """The columns by name; a header that is neither form is compared with the nearer one."""
        names = [name.strip() for name in line.split(",")]
        self.generation = len(set(names) & set(GENERATION)) >= len(set(names) & set(ENCODER))
        wanted = GENERATION if self.generation else ENCODER
        column = 1
        for name in names:
            if name not in wanted and (self.generation or name not in GENERATION):
                self.fault(
                    1,
                    column,
                    f"header must have known columns, not {brief(name)}{nearest(name, wanted)}",
                )
            elif name in self.places:
                self.fault(1, column, f"header must have the column {name!r} once")
            self.places.setdefault(name, len(self.places))
            column += len(name) + 1
        for name in wanted:
            if name not in self.places:
                self.fault(1, 1, f"header must have the column {name!r}")
        if self.faults:
            raise SpecError(self.faults[:MOST_FAULTS])

    def _row(self, number: int, line: str) -> Row | None:
        cells = line.split(",")
        if len(cells) != len(self.places):
            what = f"row must have {len(self.places)} cells, not {len(cells)}"
            self.fault(number, len(line) + 1 if len(cells) < len(self.places) else 1, what)
            return None
        found = _Cells(self, number, cells)
        return found.generation() if self.generation else found.encoder()


class _Cells:
    """The cells of one line, by column; a faulty one is noted and read as 1."""

    def __init__(self, reader: _Reader, line: int, cells: list[str]) -> None:
        self.reader, self.line, self.cells = reader, line, cells
        self.before = len(reader.faults)

    def fault(self, name: str, message: str) -> None:
        place = self.reader.places[name]
        column = 1 + sum(len(cell) + 1 for cell in self.cells[:place])
        self.reader.fault(self.line, column, f"{name} {message}")

    def text(self, name: str) -> str:
        return self.cells[self.reader.places[name]].strip()

    def whole(self, name: str, low: int = 0, high: int = MOST, none: bool = False) -> int:
        """A whole number of ``low`` to ``high``; with ``none``, -1 for 0."""
        text = self.text(name)
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit()) or len(digits) > 18:
            self.fault(name, f"must be a whole number, not {brief(text)}")
            return 1
        value = int(text)
        if none and value == -1:
            return 0
        if not low <= value <= high:
            wanted = f"of {low} to {high}" + (" or -1" if none else "")
            self.fault(name, f"must be a whole number {wanted}, not {value}")
            return 1
        return value

    def decimal(self, name: str) -> float:
        try:
            value = float(self.text(name))
        except ValueError:
            value = float("nan")
        if not (0 <= value <= MOST or value == -1):
            self.fault(name, f"must be a number of 0 or more, or -1, not {brief(self.text(name))}")
            return 1.0
        return max(value, 0.0)

    def truth(self, name: str) -> bool:
        text = self.text(name)
        if text not in ("True", "False"):
            self.fault(name, f"must be True or False, not {brief(text)}")
        return text == "True"

    def shared(self) -> Mapping[str, int | float | bool]:
        features = self.decimal("embedding_length_D")
        if features < 1 or features != int(features):
            self.fault("embedding_length_D", f"must be a whole number of 1 or more, not {features}")
        selects = self.whole("topk", 1, none=True)
        if self.truth("if_topk") != bool(selects):
            self.fault("topk", "must be 1 or more where if_topk is True, else -1")
        return {
            "layer": self.whole("layer_id"),
            "head": self.whole("head_id"),
            "features": int(features),
            "tokens": self.whole("sentence_length_L", 1),
            "key_bits": self.whole("quant_key_bit", 1, MOST_BITS, none=True),
            "value_bits": self.whole("quant_value_bit", 1, MOST_BITS, none=True),
            "query_bits": self.whole("quant_query_bit", 1, MOST_BITS, none=True),
            "threshold": self.decimal("auto_requant_thres"),
            "extra_bits": self.whole("auto_requant_incre", 0, MOST_BITS, none=True),
            "accumulates": self.truth("if_accumulate_importance"),
            "selects": selects,
        }

    def generation(self) -> Row | None:
        keys = self.whole("key_fetch_num", 1)
        return self.row(
            {
                **self.shared(),
                "iteration": self.whole("iteration_id"),
                "keys": keys,
                "values": self.whole("value_fetch_num", 1),
                "requantized": int(self.truth("if_requant")),
                "rescales": self.truth("if_rescale_previous_importance"),
            },
            ("key_fetch_num", "value_fetch_num"),
        )

    def encoder(self) -> Row | None:
        number = self.whole("key_value_query_fetch_num", 1)
        redone = self.whole("auto_requant_num", 0, none=True)
        asked = self.truth("if_requant")
        if redone > number:
            self.fault("auto_requant_num", f"must be at most the {number} queries, not {redone}")
        if redone and not asked:
            self.fault("auto_requant_num", "must be 0 or -1 where if_requant is False")
        return self.row(
            {
                **self.shared(),
                "queries": number,
                "keys": number,
                "values": number,
                "requantized": redone if redone else number * asked,
            },
            ("key_value_query_fetch_num",) * 2,
        )

    def row(self, fields: Mapping[str, int | float | bool], counts: tuple[str, str]) -> Row | None:
        if len(self.reader.faults) > self.before:
            return None
        row = Row(**fields)  # type: ignore[arg-type]
        if row.keys > row.tokens:
            self.fault(counts[0], f"must be at most the {row.tokens} tokens, not {row.keys}")
        if row.values > row.keys:
            self.fault(counts[1], f"must be at most the {row.keys} keys, not {row.values}")
        if row.selects > row.tokens:
            self.fault("topk", f"must be at most the {row.tokens} tokens, not {row.selects}")
        if row.requantized and not (row.key_bits and row.extra_bits):
            self.fault("if_requant", "must be False where keys have no more bits to read")
        return row if len(self.reader.faults) == self.before else None


def _names(line: str) -> bool:
    """Whether a line is the name of a configuration: one cell with text, the others empty."""
    first, *rest = (cell.strip() for cell in line.split(","))
    return bool(first) and not first.lstrip("-").isdigit() and not any(rest)


def check_order(path: str, rows: Iterable[tuple[int, Row]]) -> list[Fault]:
    """Return the faults of rows (line, row) as a sequence: order, heads, selections, pairs of 6 bits."""
    faults: list[Fault] = []
    before: Row | None = None
    last = 0
    selected = 0  # by the layer before
    heads = 0  # of the layer before in this iteration
    half: Row | None = None  # the first of a pair whose second is to come

    def fault(line: int, message: str) -> None:
        faults.append(Fault(message=message, file=path, line=line))

    for line, row in rows:
        starts = before is None or (row.iteration, row.layer) != (before.iteration, before.layer)
        if starts:
            if before is not None:
                same = row.iteration == before.iteration
                if same and row.layer != before.layer + 1:
                    fault(line, f"layer_id must be {before.layer + 1}, not {row.layer}")
                elif not same and (row.iteration, row.layer) != (before.iteration + 1, 0):
                    fault(
                        line,
                        f"must be layer 0 of iteration {before.iteration + 1},"
                        f" not layer {row.layer} of iteration {row.iteration}",
                    )
                if same and heads and before.head + 1 > heads:
                    fault(last, f"head_id must be below {heads}: heads do not come back")
                heads = before.head + 1 if same else 0
                if selected and row.keys != selected:
                    fault(line, f"keys must be the {selected} that were selected, not {row.keys}")
            selected = 0
            half = None
            if row.head != 0:
                fault(line, f"head_id must begin with 0, not {row.head}")
        elif before is not None:
            if row.head != before.head + 1:
                fault(line, f"head_id must be {before.head + 1}, not {row.head}")
            if selected:
                fault(last, "if_topk must be True in the last row of a layer only")
            for name in ("tokens", "features", "keys", "queries"):
                if getattr(row, name) != getattr(before, name):
                    fault(line, f"{name} must be those of the layer, {getattr(before, name)}")
        selected = row.selects
        if row.key_bits == 6 or row.value_bits == 6:
            if half is not None:
                one = (half.keys, half.values, half.key_bits, half.value_bits)
                if one != (row.keys, row.values, row.key_bits, row.value_bits):
                    fault(
                        line, "two heads of 6 bits that are read as one must agree in keys and bits"
                    )
                half = None
            else:
                half = row
        before, last = row, line
    if before is not None and heads and before.head + 1 > heads:
        fault(last, f"head_id must be below {heads}: heads do not come back")
    return faults


__all__ = ["ENCODER", "GENERATION", "check_order", "read_trace"]
