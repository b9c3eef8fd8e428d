"""A netlist as and-inverter graph: bit by bit, equal expressions once, in the binary form that ABC reads.

A literal is twice the number of a node, plus 1 if inverted; 0 is false, 1 is true.
"""

from functools import reduce


class Graph:
    """Inputs, latches that begin at 0 or 1, and conjunctions; whatever is the same is there once."""

    def __init__(self):
        self._operands = [None]  # of each node: two literals, or None of an input or latch
        self._found = {}
        self._latches = {}  # node -> (literal that it takes, what it begins with)

    def input(self):
        self._operands.append(None)
        return 2 * len(self._operands) - 2

    def latch(self, init):
        """Add a latch; :meth:`takes` says later what it takes."""
        found = self.input()
        self._latches[found >> 1] = (found, init)
        return found

    def takes(self, latch, value):
        self._latches[latch >> 1] = (value, self._latches[latch >> 1][1])

    def and_(self, a, b):
        a, b = max(a, b), min(a, b)
        if b < 2 or a ^ b < 2:
            return a if b == 1 or a == b else 0
        if (a, b) not in self._found:
            self._found[a, b] = 2 * len(self._operands)
            self._operands.append((a, b))
        return self._found[a, b]

    def or_(self, a, b):
        return self.and_(a ^ 1, b ^ 1) ^ 1

    def xor(self, a, b):
        return self.or_(self.and_(a, b ^ 1), self.and_(a ^ 1, b))

    def mux(self, s, a, b):
        """Return b where s is true, a where it is not."""
        return a if a == b else self.or_(self.and_(s, b), self.and_(s ^ 1, a))

    def any(self, bits):
        return reduce(self.or_, bits, 0)

    def aiger(self, output):
        """Write what one output depends on."""
        kept, open_ = set(), [output >> 1]
        while open_:
            node = open_.pop()
            if node and node not in kept:
                kept.add(node)
                if node in self._latches:
                    open_.append(self._latches[node][0] >> 1)
                else:
                    open_ += [literal >> 1 for literal in self._operands[node] or ()]
        order = sorted(kept)
        ands = [node for node in order if self._operands[node]]
        latches = [node for node in order if node in self._latches]
        inputs = [node for node in order if not self._operands[node] and node not in self._latches]
        number = {0: 0} | {node: n + 1 for n, node in enumerate([*inputs, *latches, *ands])}
        flipped = {node for node in latches if self._latches[node][1]}  # which begin at 1

        def literal(old):
            return 2 * number[old >> 1] + (old & 1) ^ (old >> 1 in flipped)

        counts = (len(number) - 1, len(inputs), len(latches), 1, len(ands))
        lines = [f"aig {' '.join(map(str, counts))}"]
        lines += [str(literal(self._latches[n][0]) ^ (n in flipped)) for n in latches]
        found = bytearray("\n".join([*lines, str(literal(output)), ""]).encode())
        for node in ands:
            low, high = sorted(map(literal, self._operands[node]))
            for delta in (2 * number[node] - high, high - low):
                while delta > 127:
                    found.append(delta & 127 | 128)
                    delta >>= 7
                found.append(delta)
        return bytes(found)

    def cell(self, kind, pins, parameters):
        """Return the output of a cell as Yosys defines it; ``pins`` are literals by port."""
        a, b, width = pins["A"], pins.get("B", []), pins["width"]
        signed = bool(parameters.get("A_SIGNED")) and bool(parameters.get("B_SIGNED", 1))
        if kind == "$mux":
            return [self.mux(pins["S"][0], x, y) for x, y in zip(a, b, strict=True)]
        if kind in ("$not", "$pos", "$neg"):
            wide = _extended(a, width, bool(parameters.get("A_SIGNED")))[:width]
            if kind == "$neg":
                return self._sum([0] * width, [bit ^ 1 for bit in wide], 1)[:width]
            return [bit ^ (kind == "$not") for bit in wide]
        if kind in ("$shl", "$sshl", "$shr", "$sshr", "$shift", "$shiftx"):
            wide = _extended(a, max(width, len(a)), bool(parameters.get("A_SIGNED")))
            fill = wide[-1] if kind == "$sshr" and parameters.get("A_SIGNED") else 0
            return self._shifted(wide, b, kind in ("$shl", "$sshl"), fill)[:width]
        if kind in FLAGS:
            return [FLAGS[kind](self, a, b), *[0] * (width - 1)]
        size = max(len(a), len(b))
        if kind in COMPARISONS:
            x, y = (_extended(bits, size, signed) for bits in (a, b))
            return [COMPARISONS[kind](self, x, y, signed), *[0] * (width - 1)]
        x, y = (_extended(bits, max(width, size), signed) for bits in (a, b))
        if kind == "$mul":
            return self._product(x, y, width)
        if kind in ("$add", "$sub"):
            less = kind == "$sub"
            return self._sum(x, [bit ^ less for bit in y], int(less))[:width]
        one = BITWISE[kind]
        return [one(self, p, q) for p, q in zip(x, y, strict=True)][:width]

    def less(self, a, b, signed):
        if signed:
            a, b = ([*bits[:-1], bits[-1] ^ 1] for bits in (a, b))
        return self._sum(a, [bit ^ 1 for bit in b], 1)[-1] ^ 1

    def equal(self, a, b):
        return self.any(self.xor(p, q) for p, q in zip(a, b, strict=True)) ^ 1

    def _sum(self, a, b, carry):
        """Return the sum with its carry."""
        found = []
        for p, q in zip(a, b, strict=True):
            half = self.xor(p, q)
            found.append(self.xor(half, carry))
            carry = self.or_(self.and_(p, q), self.and_(half, carry))
        return [*found, carry]

    def _product(self, a, b, width):
        found = [0] * width
        for n, bit in enumerate(b[:width]):
            row = [self.and_(bit, each) for each in a[: width - n]]
            found[n:] = self._sum(found[n:], row, 0)[: width - n]
        return found

    def _shifted(self, value, amount, left, fill):
        for n, bit in enumerate(amount):
            distance = min(1 << n, len(value))
            some = [fill] * distance
            moved = [*some, *value][: len(value)] if left else [*value[distance:], *some]
            value = [self.mux(bit, p, q) for p, q in zip(value, moved, strict=True)]
        return value


def _extended(bits, width, signed):
    return [*bits, *[bits[-1] if signed and bits else 0] * (width - len(bits))]


BITWISE = {
    "$and": Graph.and_,
    "$or": Graph.or_,
    "$xor": Graph.xor,
    "$xnor": lambda g, a, b: g.xor(a, b) ^ 1,
}
COMPARISONS = {
    "$eq": lambda g, a, b, s: g.equal(a, b),
    "$ne": lambda g, a, b, s: g.equal(a, b) ^ 1,
    "$lt": lambda g, a, b, s: g.less(a, b, s),
    "$ge": lambda g, a, b, s: g.less(a, b, s) ^ 1,
    "$gt": lambda g, a, b, s: g.less(b, a, s),
    "$le": lambda g, a, b, s: g.less(b, a, s) ^ 1,
}
FLAGS = {
    "$reduce_or": lambda g, a, b: g.any(a),
    "$reduce_bool": lambda g, a, b: g.any(a),
    "$reduce_and": lambda g, a, b: g.any(bit ^ 1 for bit in a) ^ 1,
    "$reduce_xor": lambda g, a, b: reduce(g.xor, a, 0),
    "$reduce_xnor": lambda g, a, b: reduce(g.xor, a, 0) ^ 1,
    "$logic_not": lambda g, a, b: g.any(a) ^ 1,
    "$logic_and": lambda g, a, b: g.and_(g.any(a), g.any(b)),
    "$logic_or": lambda g, a, b: g.or_(g.any(a), g.any(b)),
}
