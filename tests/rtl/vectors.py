"""Evaluates combinational logic on whole NumPy arrays, cell by cell of its RTLIL: a million vectors a
second or so, without a compiler. What is evaluated is what a synthesiser reads."""

import re

import numpy as np
from amaranth.back import rtlil
from amaranth.hdl import Cat, Module, Signal, Value

from accelsim.rtl.number import pipeline

WORD = np.uint64
TOKEN = re.compile(r"\{|\}|\d+'[01]+|[\\$][^\s]+|\[\d+(?::\d+)?\]")


def evaluate_steps(steps, widths, arrays):
    """Run steps as logic without registers on arrays of bits; outputs' bits, the first lowest."""
    m = Module()
    inputs = {name: Signal(width, name=f"in_{name}") for name, width in widths.items()}
    result = Cat(*(Value.cast(v) for v in pipeline(m, steps, inputs, [0] * len(steps)).values()))
    out = Signal(len(result), name="out")
    m.d.comb += out.eq(result)
    text = rtlil.convert(m, ports=[*inputs.values(), out], name="top")
    values = {f"\\in_{name}": np.asarray(array, WORD) for name, array in arrays.items()}
    return Netlist(text).evaluate("\\out", values)


def mask(width):
    if width > 64:
        raise ValueError(f"a value must fit 64 bits, not {width}")
    return WORD((1 << width) - 1)


class Netlist:
    """One module of RTLIL without state: who drives which bits of which wire."""

    def __init__(self, text):
        self.widths, self.drivers = {}, {}
        kind, parameters, pins = None, {}, {}
        for line in text.splitlines():
            words = line.split()
            match words[:1]:
                case ["module"] if self.widths:
                    raise ValueError("only one module can be evaluated")
                case ["wire"]:
                    width = int(words[words.index("width") + 1]) if "width" in words else 1
                    self.widths[words[-1]] = width
                case ["cell"]:
                    kind, parameters, pins = words[1], {}, {}
                case ["parameter"]:
                    parameters[words[-2]] = words[-1] not in {"0", "1'0"}
                case ["connect"] if kind:
                    pins[words[1]] = self.spec(" ".join(words[2:]))
                case ["connect" | "assign"]:
                    tokens = TOKEN.findall(line)
                    split = 2 if tokens[1].startswith("[") else 1
                    self.drive(tokens[:split], self.spec(" ".join(tokens[split:])))
                case ["end"] if kind:
                    self.cell(kind, parameters, pins)
                    kind = None
                case ["switch" | "case" | "sync"]:
                    raise ValueError(f"only logic can be evaluated, not {line.strip()}")

    def spec(self, text):
        """Read a signal: a list of (constant or wire, low bit, width), lowest first."""
        tokens = [t for t in TOKEN.findall(text) if t not in "{}"]
        parts = []
        for token in tokens:
            if token[0] == "[":
                high, low = (int(n) for n in (token[1:-1].split(":") * 2)[:2])
                parts[-1] = (parts[-1][0], low, high - low + 1)
            elif token[0].isdigit():
                width, bits = token.split("'")
                parts.append((int(bits, 2), 0, int(width)))
            else:
                parts.append((token, 0, self.widths[token]))
        return parts[::-1]

    def drive(self, tokens, source):
        ((wire, low, width),) = self.spec(" ".join(tokens))
        # A later assignment to some bits replaces an earlier one.
        self.drivers.setdefault(wire, []).append((low, width, lambda get: self.value(source, get)))

    def cell(self, kind, parameters, pins):
        if kind not in CELLS:
            raise ValueError(f"cell {kind} has no meaning here")
        ((wire, low, width),) = pins.pop("\\Y")

        def compute(get):
            operands = {}
            for pin, spec in pins.items():
                own = sum(bits for _, _, bits in spec)
                signed = parameters.get(f"{pin}_SIGNED", False)
                operands[pin[1:]] = (self.value(spec, get), own, signed)
            return CELLS[kind](width, **operands) & mask(width)

        self.drivers.setdefault(wire, []).append((low, width, compute))

    def value(self, spec, get):
        found, at = WORD(0), 0
        for source, low, width in spec:
            bits = get(source) if isinstance(source, str) else WORD(source)
            found = found | ((bits >> WORD(low)) & mask(width)) << WORD(at)
            at += width
        mask(at)
        return found

    def evaluate(self, wire, values):
        known = dict(values)

        def get(name):
            if name not in known:
                found = WORD(0)
                for low, width, compute in self.drivers[name]:
                    hole = ~(mask(width) << WORD(low))
                    found = found & hole | compute(get) << WORD(low)
                known[name] = found
            return known[name]

        with np.errstate(over="ignore"):  # all arithmetic is modulo 2^64
            return get(wire)


def extend(operand, to):
    """Bring an operand to a width, by its sign if it has one; longer ones are cut."""
    value, width, signed = operand
    if signed and to > width:
        top = WORD(1 << (width - 1))
        value = (value ^ top) - top
    return value & mask(to)


def arithmetic(operation):
    def found(width, A, B):
        signed = A[2] and B[2]
        return operation(*(extend((v, w, signed), width) for v, w, _ in (A, B)))

    return found


def comparison(operation):
    def found(width, A, B):
        to = max(A[1], B[1])
        signed = A[2] and B[2]
        flip = WORD(1 << (to - 1)) if signed else WORD(0)
        return operation(*(extend((v, w, signed), to) ^ flip for v, w, _ in (A, B))).astype(WORD)

    return found


def shift(left):
    def found(width, A, B):
        value, amount = extend(A, max(width, A[1])), B[0]
        inside = np.minimum(amount, WORD(63))
        moved = value << inside if left else value >> inside
        return np.where(amount > WORD(63), WORD(0), moved)

    return found


def chosen(width, A, B, S):
    return np.where(S[0] != 0, B[0], A[0])


def reduced(predicate):
    return lambda width, A: predicate(A[0], mask(A[1])).astype(WORD)


CELLS = {
    "$and": arithmetic(np.bitwise_and),
    "$or": arithmetic(np.bitwise_or),
    "$xor": arithmetic(np.bitwise_xor),
    "$add": arithmetic(np.add),
    "$sub": arithmetic(np.subtract),
    "$mul": arithmetic(np.multiply),
    "$eq": comparison(np.equal),
    "$ne": comparison(np.not_equal),
    "$lt": comparison(np.less),
    "$le": comparison(np.less_equal),
    "$gt": comparison(np.greater),
    "$ge": comparison(np.greater_equal),
    "$shl": shift(left=True),
    "$shr": shift(left=False),
    "$mux": chosen,
    "$not": lambda width, A: ~extend(A, width),
    "$neg": lambda width, A: WORD(0) - extend(A, width),
    "$reduce_or": reduced(lambda a, full: a != 0),
    "$reduce_bool": reduced(lambda a, full: a != 0),
    "$reduce_and": reduced(lambda a, full: a == full),
    "$reduce_xor": reduced(lambda a, full: np.bitwise_count(a) & 1),
}
