"""Shows that a seeded bug changes nothing: from any equal state, outputs and next states are equal.

One step from any state is enough, as both start in the same one; states that cannot be reached are
left out by invariants, which must be proven of the block elsewhere.
"""

from functools import cached_property

import z3

from tests.rtl.netlist import STATE, in_order

EFFORT = 3_000_000  # of z3 in a second or so: the same verdicts on a busy machine


class Twins:
    """A netlist beside others that hardly differ from it, each of which may be the same in every step."""

    def __init__(self, netlist, outputs, invariant=None, cares=None):
        """``invariant`` makes, of a function from a register's name to its value, what holds of every state.

        ``cares`` says of a register by name when its value matters, in the same way: while it
        does not, the two may hold different values in it.
        """
        self.netlist, self._cares = netlist, cares or {}
        self._nets = nets = netlist["nets"]
        self._loose = {bit for name in self._cares for bit in nets[name]}
        self._one = one = _Step(netlist)
        self._driver = driver = {
            bit: (cell["connections"]["D"][n], name, n)
            for name, cell in netlist["cells"].items()
            if cell["type"] == STATE
            for n, bit in enumerate(cell["connections"]["Q"])
        }

        def now(name):
            return one.word(nets[name])

        def then(name):
            return one.word([driver[bit][0] for bit in nets[name]])

        self._now, self._then = now, then
        self._known = [invariant(now), invariant(then)] if invariant is not None else []
        levels = {name: one.word(port["bits"]) for name, port in netlist["ports"].items()}
        self._counting = {name: _counts(name, levels) for name in outputs}

    def same(self, other, seconds=10):
        """Return whether no input and no state tells the two apart (False: or with such effort)."""
        if self.netlist["init"] != other["init"]:
            return self._same_from_start(other, seconds)
        one, two = self._one, _Step(other, self._loose, base=self._one)
        solver = z3.Solver()
        solver.set("rlimit", seconds * EFFORT)
        solver.add(*self._known)
        for name, condition in self._cares.items():
            equal = self._now(name) == two.word(self._nets[name])
            solver.add(z3.Implies(condition(self._now), equal))
        apart = []
        for name, counts in self._counting.items():
            bits = self.netlist["ports"][name]["bits"]
            apart.append(z3.And(counts, one.word(bits) != two.word(bits)))
        matters = {
            bit: condition(self._then)
            for name, condition in self._cares.items()
            for bit in self._nets[name]
        }
        for bit, (old, cell, n) in self._driver.items():
            new = other["cells"][cell]["connections"]["D"][n]
            was, is_ = one.word([old]), two.word([new])
            if not was.eq(is_):
                apart.append(z3.And(matters.get(bit, z3.BoolVal(True)), was != is_))
        solver.add(z3.Or(*apart))
        return solver.check() == z3.unsat

    @cached_property
    def _first(self):
        """The step from the state that it begins in."""
        return _Step(self.netlist, known=self._one.initial(self.netlist["init"]))

    def _same_from_start(self, other, seconds):
        """Return whether nothing is told apart in the first cycle, nor is any state then, whatever comes."""
        cells = self.netlist["cells"]
        if any(cells.get(name) != cell for name, cell in other["cells"].items()):
            return False
        one = self._first
        two = _Step(other, known=one.initial(other["init"]), base=one)
        pairs = zip(one.following().values(), two.following().values(), strict=True)
        apart = [old != new for old, new in pairs if not old.eq(new)]
        levels = {name: one.word(port["bits"]) for name, port in self.netlist["ports"].items()}
        for name in self._counting:
            bits = self.netlist["ports"][name]["bits"]
            apart.append(z3.And(_counts(name, levels), one.word(bits) != two.word(bits)))
        solver = z3.Solver()
        solver.set("rlimit", seconds * EFFORT)
        solver.add(z3.Or(*apart))
        return solver.check() == z3.unsat


def same(netlist, other, outputs, invariant=None, cares=None, seconds=10):
    """Return whether no input and no state tells the two netlists apart, as :class:`Twins` has it."""
    return Twins(netlist, outputs, invariant, cares).same(other, seconds)


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

    def __init__(self, netlist, loose=frozenset(), known=None, cycle="", base=None):
        """``base``: another's, most of whose cells these are; what differs from it is worked out again."""
        self._cells = netlist["cells"]
        self._loose = loose
        self._known = known or {}
        self._cycle = cycle
        self._bits = {}
        again, old = set(loose), base._cells if base else {}
        if base:
            again |= {bit for bit, v in self._known.items() if not v.eq(base._known[bit])}
        for name in in_order(self._cells):
            cell = self._cells[name]
            bits = cell["connections"]["Y"]
            read = (b for port, word in cell["connections"].items() if port != "Y" for b in word)
            if old.get(name) is cell and again.isdisjoint(read):
                self._bits.update((bit, base._bits[bit]) for bit in bits)
                continue
            result = z3.simplify(self._value(cell))
            for n, bit in enumerate(bits):
                self._bits[bit] = z3.simplify(z3.Extract(n, n, result))
                if base is None or not self._bits[bit].eq(base._bits.get(bit, result)):
                    again.add(bit)

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
