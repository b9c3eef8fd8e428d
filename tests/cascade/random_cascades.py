"""Writes random cascades over the whole notation, from a source of random choices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from tests.cascade.random_terms import WIDTH, Made, Term, Terms

_COORDS = "abcdgijk"


@dataclass
class Writer(Terms):
    """The text so far: declarations in ``heads``, statements in ``lines``."""

    heads: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    # statements

    def head(self, name: str, coords: Sequence[str]) -> str:
        return f"{name}[{','.join(coords)}]"

    def add(self, name: str, coords: Sequence[str], line: str, bits: int) -> None:
        self.lines.append(line)
        axes = tuple(self.coords[c] for c in coords)
        bits = bits if bits <= WIDTH else 0
        self.made.append(Made(name=name, axes=axes, coords=tuple(coords), bits=bits))

    def map(self) -> None:
        name, left = self.fresh(), self.some(list(self.coords), 0, 3)
        value = self.term(left)
        self.add(
            name, left, f"{self.head(name, left)} = {value.text}{self.where(left)}", value.bits
        )

    def reduction(self) -> None:
        name, coords = self.fresh(), self.some(list(self.coords), 1, 4)
        cut = 1 + self.random.randrange(min(2, len(coords)))
        gone, left = coords[:cut], coords[cut:]
        op = self.pick(["+", "+", "+", "max", "min", "*"])
        value = self.term(coords)
        text = (
            f"{self.head(name, left)} = {value.text}{self.where(coords)} :: {op}({','.join(gone)})"
        )
        bits = {"+": value.bits + 6, "*": 0}.get(op, value.bits) if value.bits else 0
        self.add(name, left, text, bits)

    def product(self) -> None:
        """A contraction: what the fast evaluator hands to a matrix product."""
        known = set(self.coords)
        pool = [t for t in (*self.inputs, *self.made) if t.coords and known >= set(t.coords)]
        pool = [t for t in pool if not t.is_index]
        if len(pool) < 2:
            return self.map()
        factors = [self.pick(pool) for _ in range(2 + self.often(30))]
        free = sorted({c for t in factors for c in t.coords})
        gone = self.some(free, 1, 2)
        left = tuple(c for c in self.some(free, len(free), len(free)) if c not in gone)
        if len(left) > 4:
            return self.map()
        text = " * ".join(self.bare(t, free) for t in factors) + self.pick(["", "", " * u"])
        name = self.fresh()
        line = f"{self.head(name, left)} = {text}{self.where(free)} :: +({','.join(gone)})"
        self.add(name, left, line, 0)
        return None

    def tiled(self) -> None:
        """A read of a long axis in tiles; the last one may be ragged."""
        tensor = self.pick(self.inputs)
        if not tensor.coords or tensor.is_index:
            return self.map()
        at = self.random.randrange(len(tensor.axes))
        size, stem = self.pick([1, 2, 3]), self.fresh("t")
        outer, inner = f"{stem}o", f"{stem}i"
        axis = tensor.axes[at]
        self.heads.append(f"rank {outer} = ceil({axis}/{size}); {inner} = {size}")
        indices = list(tensor.coords)
        indices[at] = f"{outer}*{size}+{inner}"
        left = [c for i, c in enumerate(tensor.coords) if i != at]
        name = self.fresh()
        self.coords |= {outer: f"ceil({axis}/{size})", inner: str(size)}
        order = [outer, *left]
        text = f"{self.head(name, order)} = {tensor.name}[{','.join(indices)}] :: +({inner})"
        self.add(name, order, text, tensor.bits + 2 if tensor.bits else 0)
        del self.coords[outer], self.coords[inner]
        if self.often(50):
            whole = self.fresh()
            op = self.pick(["+", "max"])
            back = f"{self.head(whole, left)} = {self.head(name, order)} :: {op}({outer})"
            self.add(whole, left, back, tensor.bits + 4 if tensor.bits else 0)
        return None

    def selection(self) -> None:
        coords = self.some(list(self.coords), 1, 3)
        gone, left = coords[0], coords[1:]
        value = self.term(coords, exact=True)
        if not value.is_exact:
            return self.map()
        slot, count = self.fresh("s"), self.pick(["1", "2", "3", self.coords[gone]])
        self.heads.append(f"rank {slot} = {count}")
        self.coords[slot] = count
        where = self.where(coords)
        short = self.fresh("TV")
        best = f"{self.head(short, (*left, slot))} = {value.text}{where} :: topval({gone}->{slot})"
        self.add(short, (*left, slot), best, value.bits)
        if self.often(70):
            chosen = self.fresh("TI")
            pick = (
                f"{self.head(chosen, (*left, slot))} = {value.text}{where} :: top({gone}->{slot})"
            )
            self.lines.append(pick)
            fed = [t for t in (*self.inputs, *self.made) if gone in t.coords and not t.is_index]
            fed = [t for t in fed if set(t.coords) <= {*coords}]
            if fed:
                tensor = self.pick(fed)
                inner = f"@{self.head(chosen, (*left, slot))}:{gone}"
                parts = [inner if c == gone else c for c in tensor.coords]
                name = self.fresh()
                text = f"{self.head(name, left)} = {tensor.name}[{','.join(parts)}] :: +({slot})"
                self.add(name, left, text, tensor.bits + 3 if tensor.bits else 0)
        del self.coords[slot]
        return None

    def scatter(self) -> None:
        tables = [t for t in self.inputs if t.is_index and t.coords]
        if not tables:
            return self.map()
        table = self.pick(tables)
        target = self.pick([c for c in self.coords if c not in table.coords] or ["a"])
        if target in table.coords:
            return self.map()
        keep = self.some([c for c in self.coords if c not in (*table.coords, target)], 0, 1)
        value = self.term((*table.coords, *keep), 1)
        op = self.pick(["+", "max", "min"])
        name = self.fresh()
        where = f"@{self.bare(table, table.coords)}:{target}"
        text = f"{self.head(name, (target, *keep))} = {value.text} :: scatter({where}, {op})"
        self.add(name, (target, *keep), text, value.bits + 6 if value.bits else 0)
        if self.often(50):
            base = self.fresh()
            left = (target, *keep)
            other = self.term(left, 0).text
            seen = f"{self.head(base, left)} = {self.head(name, left)} ? {other}"
            self.add(base, (target, *keep), seen, 0)
        return None

    def slices(self) -> None:
        name, left = self.fresh(), self.some(list(self.coords), 0, 2)
        terms = [self.term(left) for _ in range(2)]
        for i, value in enumerate(terms):
            self.lines.append(
                f"{self.head(name, (*left, str(i)))} = {value.text}{self.where(left)}"
            )
        bits = max(t.bits for t in terms) if all(t.bits for t in terms) else 0
        two = next((c for c, e in self.coords.items() if e == "2"), "")
        axes = (*(self.coords[c] for c in left), "2")
        self.made.append(
            Made(name=name, axes=axes, coords=(*left, two), bits=bits * (bits <= WIDTH))
        )

    def merged(self) -> None:
        two = self.some(list(self.coords), 2, 2)
        if len(two) < 2:
            return self.map()
        outer, inner = two
        keep = self.some([c for c in self.coords if c not in two], 0, 1)
        value = self.term((outer, inner, *keep))
        name, size = self.fresh(), self.coords[inner]
        text = f"{name}[{','.join([f'{outer}*({size})+{inner}', *keep])}] = {value.text}{self.where(two)}"
        self.lines.append(text)
        axes = (f"({self.coords[outer]})*({size})", *(self.coords[c] for c in keep))
        self.made.append(
            Made(name=name, axes=axes, coords=("", *keep), bits=value.bits * (value.bits <= WIDTH))
        )
        return None

    def macro(self) -> None:
        coords = self.some(list(self.coords), 1, 3)
        value, name = self.term(coords), self.fresh()
        mark = self.pick(["softmax", "softmax", "ln"])
        if mark == "softmax":
            value = Term(text=f"tanh({value.text})", bits=0)
        # every coordinate must stand in the argument: the macro's results carry them
        text = " + ".join([value.text, *(f"0.125 * {c}" for c in coords)])
        self.add(name, coords, f"{self.head(name, coords)} = {mark}{{{coords[0]}}}({text})", 0)

    def iteration(self) -> None:
        """One or two coupled states along a rank, and readers of old, new, chunk and final states."""
        coords = self.some(list(self.coords), 1, 3)
        time, rest = coords[0], coords[1:]
        count = 1 + self.often(40)
        names = [self.fresh("S") for _ in range(count)]
        for name in names:
            first = self.term(rest, 1)
            self.lines.append(f"init {self.head(name, ('0', *rest))} = tanh({first.text})")
        for i, name in enumerate(names):
            old = [self.head(n, (time, *rest)) for n in names]
            new = [self.head(n, (f"{time}+1", *rest)) for n in names[:i]]
            feed = self.term(coords, 1).text
            state = self.pick([*old, *new])
            rule = self.pick(
                [
                    "0.5 * {s} + {x}",
                    "max({s}, {x})",
                    "{s} - {x}",
                    "tanh({s} * {x})",
                    "{s} * sigmoid({x}) + {o}",
                ]
            )
            if rest and self.often(25):
                gone = self.pick(rest)
                part, left = self.fresh("C"), [c for c in coords if c != gone]
                mixed = f"{state} * {self.atom(coords).text}"
                self.lines.append(f"{self.head(part, left)} = {mixed} :: +({gone})")
                state = f"{self.head(part, left)} ? 0"
                state = f"tanh({state})"
            text = rule.format(
                s=state, x=f"({feed} ? 0.5)" if self.often(60) else f"({feed})", o=self.pick(old)
            )
            self.lines.append(f"{self.head(name, (f'{time}+1', *rest))} = {text}")
        self.follow(names[0], time, rest)

    def follow(self, state: str, time: str, rest: tuple[str, ...]) -> None:
        end = self.coords[time]
        seen = self.pick([f"{time}+1", time, f"{time}//2*2", f"({end})-{time}"])
        name = self.fresh()
        value = f"{self.head(state, (seen, *rest))} * {self.atom((time, *rest)).text}"
        self.add(name, (time, *rest), f"{self.head(name, (time, *rest))} = {value}", 0)
        if self.often(60):
            last = self.fresh()
            self.add(last, rest, f"{self.head(last, rest)} = {self.head(state, (end, *rest))}", 0)

    def past(self) -> None:
        """A statement that reads all earlier points of its own result."""
        pairs = [
            (x, y)
            for x in self.coords
            for y in self.coords
            if x != y and self.coords[x] == self.coords[y]
        ]
        if not pairs:
            return self.map()
        x, y = self.pick(pairs)
        sums, name = self.fresh("C"), self.fresh("U")
        feed = self.atom((x, y)).text
        self.lines.append(f"{sums}[{x}] = tanh({feed}) * {name}[{y}] where {y} < {x} :: +({y})")
        self.add(name, (x,), f"{name}[{x}] = {self.atom((x,)).text} - 0.5 * ({sums}[{x}] ? 0)", 0)
        return None

    # the whole

    def declare(self) -> None:
        names = self.some(_COORDS, 3, 6)
        for i, coord in enumerate(sorted(names)):
            if i == 0 or self.often(70):
                symbol = coord.upper()
                self.coords[coord] = symbol
                self.sizes[symbol] = self.pick([1, 2, 2, 3, 3, 4])
                if self.often(3):
                    self.sizes[symbol] = 0
            else:
                self.coords[coord] = self.pick(["1", "2", "3", sorted(self.coords.values())[0]])
            self.heads.append(f"rank {coord} = {self.coords[coord]}")
        for symbol, coord in [(s, c) for c, s in self.coords.items() if s in self.sizes]:
            more = self.some([c for c in self.coords if c != coord], 0, 2)
            self.input((coord, *more), symbol)
        for _ in range(self.random.randrange(3)):
            self.input(self.some(list(self.coords), 0, 2), "", is_index=self.often(60))

    def input(self, coords: Sequence[str], symbol: str, *, is_index: bool = False) -> None:
        name = self.fresh("IN")
        axes = tuple(symbol if symbol and i == 0 else self.coords[c] for i, c in enumerate(coords))
        self.inputs.append(
            Made(name=name, axes=axes, coords=tuple(coords), bits=6, is_index=is_index)
        )

    def text(self, statements: int) -> str:
        self.declare()
        kinds = [self.map, self.reduction, self.product, self.tiled, self.slices, self.merged]
        kinds += [self.macro, self.iteration, self.selection, self.scatter, self.past]
        weights = [3, 4, 4, 1, 1, 1, 1, 3, *((0, 0, 0) if self.is_affine else (2, 1, 1))]
        bag = [k for k, w in zip(kinds, weights, strict=True) for _ in range(w)]
        for _ in range(statements):
            self.pick(bag)()
        ins = [
            f"in {t.name}[{','.join(t.axes)}]{' int' if t.is_index else ''}" for t in self.inputs
        ]
        outs = [f"out {t.name}[{','.join(t.axes)}]" for t in self.made]
        body = self.lines
        if self.often(15):  # the order of the text has no meaning
            body = list(self.some(body, len(body), len(body)))
        lets = ["param R = 2", f"let u = 1/sqrt({next(iter(self.sizes))} + 1)"]
        return "\n".join([*ins, *lets, *self.heads, *outs, *body]) + "\n"


def arrays(
    random: Random, writer: Writer, shapes: dict[str, tuple[int, ...]]
) -> Iterator[tuple[str, object]]:
    """Yield input arrays: multiples of 1/8, indices that mostly exist; some have leading ranks."""
    import numpy as np

    data = np.random.default_rng(random.randrange(2**32))
    lead: tuple[int, ...] = ((), (), (), (2,), (1, 2))[random.randrange(5)]
    for tensor in writer.inputs:
        shape = (*(lead if random.randrange(2) else ()), *shapes[tensor.name])
        if tensor.is_index:
            yield tensor.name, data.integers(-1, 4, shape)
        else:
            yield tensor.name, data.integers(-12, 13, shape) / 8


def write(random: Random, statements: int, *, is_affine: bool = False) -> tuple[str, Writer]:
    """Return the text of a random cascade and its writer (which knows sizes and inputs)."""
    writer = Writer(random=random, is_affine=is_affine)
    return writer.text(statements), writer
