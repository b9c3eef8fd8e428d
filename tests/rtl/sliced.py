"""Many runs of a netlist side by side: each bit of it is a Python integer, a bit of which is a run.

For engines that are small enough to be given every request there is.
"""

from graphlib import TopologicalSorter

from tests.rtl.netlist import STATE

ZERO, FULL = "0", "full"


class Sliced:
    """A netlist as a function of (input bits, state bits, all ones) to (output bits, next state)."""

    def __init__(self, netlist, inputs, outputs):
        self._cells, self._lines, self._bits = netlist["cells"], [], {}
        ports = netlist["ports"]
        state = [
            bit
            for cell in self._cells.values()
            if cell["type"] == STATE
            for bit in cell["connections"]["Q"]
        ]
        given = [bit for name in inputs for bit in ports[name]["bits"]]
        for bit in [*state, *given]:
            self._bits[bit] = f"b{len(self._bits)}"
        heads = [self._bits[bit] for bit in state], [self._bits[bit] for bit in given]
        for name in self._order():
            self._cell(self._cells[name])
        shown = self._words(bit for name in outputs for bit in ports[name]["bits"])
        following = self._words(
            bit
            for cell in self._cells.values()
            if cell["type"] == STATE
            for bit in cell["connections"]["D"]
        )
        source = "\n".join(
            [
                "def step(pins, state, full):",
                f"  {', '.join(heads[0])}, = state",
                f"  {', '.join(heads[1])}, = pins",
                *(f"  {line}" for line in self._lines),
                f"  return ({', '.join(shown)},), ({', '.join(following)},)",
            ]
        )
        names = {}
        exec(compile(source, "<sliced>", "exec"), names)
        self.step = names["step"]
        self._starts = [netlist["init"].get(bit, 0) for bit in state]

    def start(self, full):
        return tuple(full * value for value in self._starts)

    def _order(self):
        producer = {
            bit: name
            for name, cell in self._cells.items()
            if cell["type"] != STATE
            for bit in cell["connections"]["Y"]
        }
        needs = {
            name: {
                producer[bit]
                for port, bits in cell["connections"].items()
                if port != "Y"
                for bit in bits
                if bit in producer
            }
            for name, cell in self._cells.items()
            if cell["type"] != STATE
        }
        return TopologicalSorter(needs).static_order()

    def _words(self, bits):
        return [self._word(bit) for bit in bits]

    def _word(self, bit):
        if isinstance(bit, str):
            return FULL if bit == "1" else ZERO
        return self._bits.get(bit, ZERO)

    def _new(self, text):
        name = f"t{len(self._lines)}"
        self._lines.append(f"{name} = {text}")
        return name

    def _cell(self, cell):
        pins, kind = cell["connections"], cell["type"]
        width = len(pins["Y"])
        signed = bool(cell["parameters"].get("A_SIGNED"))
        signed = signed and bool(cell["parameters"].get("B_SIGNED", 1))
        size = max(width, *(len(pins[port]) for port in "AB" if port in pins))
        a = self._words(pins["A"])
        b = self._words(pins.get("B", []))
        wide = [_extended(word, size, signed) for word in (a, b)]
        found = self._value(kind, a, b, wide, pins)
        for bit, word in zip(pins["Y"], _extended(found, width, False), strict=False):
            self._bits[bit] = word

    def _value(self, kind, a, b, wide, pins):
        new, (x, y) = self._new, wide
        match kind:
            case "$and" | "$or" | "$xor":
                sign = {"$and": "&", "$or": "|", "$xor": "^"}[kind]
                return [new(f"{p} {sign} {q}") for p, q in zip(x, y, strict=True)]
            case "$xnor":
                return [new(f"{p} ^ {q} ^ full") for p, q in zip(x, y, strict=True)]
            case "$not":
                return [new(f"{p} ^ full") for p in x]
            case "$pos":
                return x
            case "$neg":
                return self._sum([ZERO] * len(x), x, subtracts=True)[0]
            case "$add" | "$sub":
                return self._sum(x, y, subtracts=kind == "$sub")[0]
            case "$mul":
                total = [ZERO] * len(x)
                for n, q in enumerate(b):
                    part = [ZERO] * n + [new(f"{p} & {q}") for p in x[: len(x) - n]]
                    total = self._sum(total, part, subtracts=False)[0]
                return total
            case "$divfloor":
                return self._quotient(x, y)
            case "$mux":
                (s,) = self._words(pins["S"])
                return [new(f"{p} ^ (({p} ^ {q}) & {s})") for p, q in zip(a, b, strict=True)]
            case "$shl" | "$shr":
                word = x
                for n, q in enumerate(b):
                    by = min(1 << n, len(word))
                    rest = word[: len(word) - by]
                    moved = [ZERO] * by + rest if kind == "$shl" else word[by:] + [ZERO] * by
                    word = [
                        new(f"{p} ^ (({p} ^ {m}) & {q})") for p, m in zip(word, moved, strict=True)
                    ]
                return word
            case "$eq" | "$ne":
                differ = " | ".join(f"({p} ^ {q})" for p, q in zip(x, y, strict=True))
                return [new(differ if kind == "$ne" else f"({differ}) ^ full")]
            case "$lt" | "$ge":
                return [self._less(x, y, inverted=kind == "$ge")]
            case "$gt" | "$le":
                return [self._less(y, x, inverted=kind == "$le")]
            case "$reduce_or" | "$reduce_bool":
                return [new(" | ".join(a))]
            case "$reduce_and":
                return [new(" & ".join(a))]
            case "$reduce_xor":
                return [new(" ^ ".join(a))]
            case "$logic_not":
                return [new(f"({' | '.join(a)}) ^ full")]
            case "$logic_and" | "$logic_or":
                sign = "&" if kind == "$logic_and" else "|"
                return [new(f"({' | '.join(a)}) {sign} ({' | '.join(b)})")]
        raise NotImplementedError(kind)

    def _sum(self, x, y, *, subtracts):
        """Return the sum and the carry; a difference is x + ~y + 1, whose carry says x >= y."""
        carry = FULL if subtracts else ZERO
        total = []
        for p, q in zip(x, y, strict=True):
            other = self._new(f"{q} ^ full") if subtracts else q
            half = self._new(f"{p} ^ {other}")
            total.append(self._new(f"{half} ^ {carry}"))
            carry = self._new(f"({p} & {other}) | ({half} & {carry})")
        return total, carry

    def _quotient(self, x, y):
        """Divide unsigned numbers bit by bit; by 0 as by 1, as ``netlist.MEANING`` has it."""
        none = self._new(f"({' | '.join(y)}) ^ full")
        y = [self._new(f"{y[0]} | {none}"), *y[1:], ZERO]
        rest, found = [ZERO] * len(y), []
        for bit in reversed(x):
            rest = [bit, *rest[:-1]]
            less, fits = self._sum(rest, y, subtracts=True)
            rest = [
                self._new(f"{p} ^ (({p} ^ {q}) & {fits})") for p, q in zip(rest, less, strict=True)
            ]
            found.append(fits)
        return found[::-1]

    def _less(self, x, y, *, inverted):
        """Compare unsigned numbers; the selects have no others."""
        carry = self._sum(x, y, subtracts=True)[1]
        return carry if inverted else self._new(f"{carry} ^ full")


def _extended(word, width, signed):
    top = word[-1] if signed and word else ZERO
    return [*word, *[top] * (width - len(word))][:width]
