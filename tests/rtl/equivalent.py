"""Shows that a seeded bug changes nothing: from any equal state, outputs and next states are equal.

One step from any state is enough, as both start in the same one; states that cannot be reached are
left out by invariants, which must be proven of the block elsewhere.
"""

from graphlib import TopologicalSorter

import z3

from tests.rtl.netlist import STATE

EFFORT = 3_000_000  # of z3 in a second or so: the same verdicts on a busy machine


def same(netlist, other, outputs, invariant=None, cares=None, seconds=10):
    """Return whether no input and no state tells the two netlists apart (False: or with such effort).

    ``invariant`` makes, of a function from a register's name to its value, what holds of every
    state. ``cares`` says of a register by name when its value matters, in the same way: while it
    does not, the two may hold different values in it.
    """
    if netlist["init"] != other["init"]:
        return False
    cares = cares or {}
    nets = netlist["nets"]
    loose = {bit for name in cares for bit in nets[name]}
    one, two = _Step(netlist), _Step(other, loose)
    driver = {
        bit: (cell["connections"]["D"][n], name, n)
        for name, cell in netlist["cells"].items()
        if cell["type"] == STATE
        for n, bit in enumerate(cell["connections"]["Q"])
    }

    def now(name):
        return one.word(nets[name])

    def then(name):
        return one.word([driver[bit][0] for bit in nets[name]])

    solver = z3.Solver()
    solver.set("rlimit", seconds * EFFORT)
    if invariant is not None:
        solver.add(invariant(now), invariant(then))
    for name, condition in cares.items():
        solver.add(z3.Implies(condition(now), now(name) == two.word(nets[name])))
    levels = {name: one.word(port["bits"]) for name, port in netlist["ports"].items()}
    apart = []
    for name in outputs:
        bits = netlist["ports"][name]["bits"]
        apart.append(z3.And(_counts(name, levels), one.word(bits) != two.word(bits)))
    matters = {bit: cares[name](then) for name in cares for bit in nets[name]}
    for bit, (old, cell, n) in driver.items():
        new = other["cells"][cell]["connections"]["D"][n]
        differs = one.word([old]) != two.word([new])
        apart.append(z3.And(matters.get(bit, z3.BoolVal(True)), differs))
    solver.add(z3.Or(*apart))
    return solver.check() == z3.unsat


def same_for(netlist, other, outputs, cycles, seconds=20):
    """Return whether no input tells the two apart in the first cycles after a reset.

    For a pipeline, which remembers nothing for longer than it has stages: what a bug does to its
    registers comes out in as many cycles, or never.
    """
    if netlist["init"] != other["init"]:
        return False
    reset = netlist["ports"]["rst"]["bits"][0]
    solver = z3.Solver()
    solver.set("rlimit", seconds * EFFORT)
    held = [_Step(each).initial(each["init"]) for each in (netlist, other)]
    apart = []
    for cycle in range(cycles):
        steps = [
            _Step(each, known=known | {reset: z3.BitVecVal(0, 1)}, cycle=f"_{cycle}")
            for each, known in zip((netlist, other), held, strict=True)
        ]
        one, two = steps
        levels = {name: one.word(port["bits"]) for name, port in netlist["ports"].items()}
        for name in outputs:
            bits = netlist["ports"][name]["bits"]
            apart.append(z3.And(_counts(name, levels), one.word(bits) != two.word(bits)))
        held = [step.following() for step in steps]
    solver.add(z3.Or(*apart))
    return solver.check() == z3.unsat


def _counts(name, levels):
    port, signal = name.split("__")
    valid = levels.get(f"{port}__valid")
    return z3.BoolVal(True) if signal == "valid" or valid is None else valid == 1


class _Step:
    """The combinational logic of a netlist over free inputs and registers, bit by bit."""

    def __init__(self, netlist, loose=frozenset(), known=None, cycle=""):
        self._cells = netlist["cells"]
        self._loose = loose
        self._known = known or {}
        self._cycle = cycle
        self._bits = {}
        producer = {}
        for name, cell in self._cells.items():
            if cell["type"] != STATE:
                producer.update(dict.fromkeys(cell["connections"]["Y"], name))
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
        for name in TopologicalSorter(needs).static_order():
            cell = self._cells[name]
            result = z3.simplify(self._value(cell))
            for n, bit in enumerate(cell["connections"]["Y"]):
                self._bits[bit] = z3.Extract(n, n, result)

    def initial(self, init):
        bits = [
            q for c in self._cells.values() if c["type"] == STATE for q in c["connections"]["Q"]
        ]
        return {bit: z3.BitVecVal(init.get(bit, 0), 1) for bit in bits}

    def following(self):
        """Return what each register takes."""
        return {
            q: self.word([d])
            for cell in self._cells.values()
            if cell["type"] == STATE
            for q, d in zip(cell["connections"]["Q"], cell["connections"]["D"], strict=True)
        }

    def word(self, bits):
        parts = [self._bit(bit) for bit in reversed(bits)] or [z3.BitVecVal(0, 1)]
        return z3.simplify(parts[0] if len(parts) == 1 else z3.Concat(*parts))

    def _bit(self, bit):
        if isinstance(bit, str):
            return z3.BitVecVal(int(bit == "1"), 1)
        if bit not in self._bits:
            # An input or a register: the same in both, but for what need not be.
            name = f"{'loose' if bit in self._loose else 'bit'}{bit}{self._cycle}"
            self._bits[bit] = self._known.get(bit) if bit in self._known else z3.BitVec(name, 1)
        return self._bits[bit]

    def _value(self, cell):
        connections, parameters = cell["connections"], cell["parameters"]
        width = len(connections["Y"])
        kind = cell["type"]
        a = self.word(connections["A"])
        if kind in UNARY:
            return _fit(
                UNARY[kind](_fit(a, max(width, a.size()), parameters) if kind in WIDE else a), width
            )
        b = self.word(connections["B"])
        if kind == "$mux":
            return z3.If(self.word(connections["S"]) == 1, b, a)
        if kind in {"$logic_and", "$logic_or"}:
            join = z3.And if kind == "$logic_and" else z3.Or
            return _fit(_flag(join(a != 0, b != 0)), width)
        signed = parameters.get("A_SIGNED") and parameters.get("B_SIGNED", 1)
        size = max(width, a.size(), b.size())
        return _fit(BINARY[kind](_wide(a, size, signed), _wide(b, size, signed), signed), width)


def _flag(condition):
    return z3.If(condition, z3.BitVecVal(1, 1), z3.BitVecVal(0, 1))


def _wide(value, size, signed):
    return (z3.SignExt if signed else z3.ZeroExt)(size - value.size(), value)


def _fit(value, width, parameters=None):
    if value.size() >= width:
        return z3.Extract(width - 1, 0, value)
    return _wide(value, width, bool(parameters and parameters.get("A_SIGNED")))


def _parity(a):
    found = z3.Extract(0, 0, a)
    for n in range(1, a.size()):
        found = found ^ z3.Extract(n, n, a)
    return found


WIDE = {"$not", "$pos", "$neg"}
UNARY = {
    "$not": lambda a: ~a,
    "$pos": lambda a: a,
    "$neg": lambda a: -a,
    "$reduce_or": lambda a: _flag(a != 0),
    "$reduce_bool": lambda a: _flag(a != 0),
    "$reduce_and": lambda a: _flag(~a == 0),
    "$reduce_xor": _parity,
    "$reduce_xnor": lambda a: ~_parity(a),
    "$logic_not": lambda a: _flag(a == 0),
}
BINARY = {
    "$add": lambda a, b, s: a + b,
    "$sub": lambda a, b, s: a - b,
    "$mul": lambda a, b, s: a * b,
    "$and": lambda a, b, s: a & b,
    "$or": lambda a, b, s: a | b,
    "$xor": lambda a, b, s: a ^ b,
    "$xnor": lambda a, b, s: ~(a ^ b),
    "$shl": lambda a, b, s: a << b,
    "$sshl": lambda a, b, s: a << b,
    "$shr": lambda a, b, s: z3.LShR(a, b),
    "$shift": lambda a, b, s: z3.LShR(a, b),
    "$shiftx": lambda a, b, s: z3.LShR(a, b),
    "$sshr": lambda a, b, s: a >> b if s else z3.LShR(a, b),
    "$eq": lambda a, b, s: _flag(a == b),
    "$ne": lambda a, b, s: _flag(a != b),
    "$lt": lambda a, b, s: _flag(a < b if s else z3.ULT(a, b)),
    "$le": lambda a, b, s: _flag(a <= b if s else z3.ULE(a, b)),
    "$gt": lambda a, b, s: _flag(a > b if s else z3.UGT(a, b)),
    "$ge": lambda a, b, s: _flag(a >= b if s else z3.UGE(a, b)),
}
