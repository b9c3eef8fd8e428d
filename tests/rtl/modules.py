"""A module of a design as C: a struct for what it holds, functions for what it shows and does next.

Modules are kept apart, as they stand in the design, so that each is made once however many instances
of it there are, in this machine and in those after it. What a module shows may depend on its inputs in
the same cycle: its cells are parted by the ports on which they depend, a function for each such set,
which is called as soon as these ports are known. Two cells of one function wait for the same ports, so
that a loop between functions is one between cells.
"""

from dataclasses import dataclass
from graphlib import TopologicalSorter

from tests.rtl.native import WORD, Native, _function, _number
from tests.rtl.netlist import STATE

CLOCK = "clk"


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Bits of an output port side by side: a variable, and the set of ports that it waits for."""

    port: str
    low: int
    width: int
    variable: str
    waits: frozenset


class Module(Native):
    """``netlist`` has instances of ``parts``: modules by the name of their cells' type."""

    def __init__(self, name, netlist, parts):
        self.name, self.parts = name, list(dict.fromkeys(parts.values()))
        self.ports = netlist["ports"]
        self._netlist, self._where, self._widths = netlist, {}, {}
        self._pins = {port: each["bits"] for port, each in netlist["ports"].items()}
        self._inward = [
            port
            for port, each in netlist["ports"].items()
            if each["direction"] == "input" and port != CLOCK
        ]
        self._cells = {n: c for n, c in netlist["cells"].items() if c["type"] not in parts}
        self._instances = {
            n: (f"p{k}", parts[c["type"]], c["connections"])
            for k, (n, c) in enumerate(
                (n, c) for n, c in netlist["cells"].items() if c["type"] in parts
            )
        }
        self._drive()
        self._look_at_what_counts()
        self._part()
        self.text = self._written()
        for name in [name for name in vars(self) if name[0] == "_"]:
            delattr(self, name)  # the text serves from here on

    def all_parts(self):
        """Return the modules that it is made of, each after those that it has instances of, itself last."""
        found = [part for each in self.parts for part in each.all_parts()]
        return list(dict.fromkeys([*found, self]))

    def _variable(self, bits):
        name = f"s->v{len(self._widths)}"
        self._widths[name] = len(bits)
        for n, bit in enumerate(bits):
            self._where[bit] = (name, n)
        return name

    # What depends on what. Nodes: cells; of an instance, an input that is set, a function that is called.

    def _drive(self):
        """Give every bit a place, and say which node it comes from."""
        self.inputs = {
            port: [_bare(self._variable(bits[n : n + WORD])) for n in range(0, len(bits), WORD)]
            for port, bits in self._pins.items()
            if port in self._inward
        }
        self._driver, self._states, self._given = {}, {}, {}
        for port in self._inward:
            self._given.update(dict.fromkeys(self._pins[port], port))
        self._out = {}
        for name, cell in self._cells.items():
            state = cell["type"] == STATE
            bits = cell["connections"]["Q" if state else "Y"]
            self._out[name] = self._variable(bits)
            if state:
                self._states[name] = cell
            else:
                self._driver.update(dict.fromkeys(bits, ("cell", name)))
        self._state_of = {
            bit: name for name, cell in self._states.items() for bit in cell["connections"]["Q"]
        }
        for name, (field, part, pins) in self._instances.items():
            for piece in part.pieces:
                variable = f"s->{field}.{piece.variable}"
                self._widths[variable] = piece.width
                for n, bit in enumerate(pins.get(piece.port, [])[piece.low :][: piece.width]):
                    self._where[bit] = (variable, n)
                    self._driver[bit] = ("call", name, piece.waits)

    def _bits(self, node):
        """Return the bits that a node reads."""
        kind, name = node[:2]
        if kind == "cell":
            pins = self._cells[name]["connections"]
            return [bit for port, bits in pins.items() if port != "Y" for bit in bits]
        return self._instances[name][2].get(node[2], []) if kind == "set" else []

    def _before(self, node):
        """Return the nodes that a node comes after."""
        found = {self._driver[bit] for bit in self._bits(node) if bit in self._driver}
        if node[0] == "call":
            _, name, waits = node
            found |= {("set", name, port) for port in waits}
            part = self._instances[name][1]
            found |= {("call", name, other) for other in part.functions if other < waits}
        return found

    def _look_at_what_counts(self):
        """Leave out what no output depends on; put the rest in an order."""
        open_ = [b for port, bits in self._pins.items() if port not in self._inward for b in bits]
        nodes, states, instances, self.used = set(), set(), set(), set()
        seen = set()
        while open_:
            bit = open_.pop()
            if bit in seen:
                continue
            seen.add(bit)
            if bit in self._given:
                self.used.add(self._given[bit])
            elif bit in self._state_of:
                if (name := self._state_of[bit]) not in states:
                    states.add(name)
                    open_ += self._states[name]["connections"]["D"]
            elif (node := self._driver.get(bit)) is not None and node not in nodes:
                nodes.add(node)
                if node[0] == "cell":
                    open_ += self._bits(node)
                elif node[1] not in instances:
                    instances.add(node[1])
                    _, part, pins = self._instances[node[1]]
                    nodes |= {("set", node[1], port) for port in part.used}
                    nodes |= {("call", node[1], waits) for waits in part.functions}
                    open_ += [bit for port in part.used for bit in pins.get(port, [])]
        self._instances = {n: i for n, i in self._instances.items() if n in instances}
        self._states = {n: c for n, c in self._states.items() if n in states}
        order = TopologicalSorter({node: self._before(node) for node in nodes})
        self._nodes = [node for node in order.static_order() if node in nodes]

    def _part(self):
        """Part nodes by the ports that they wait for; what outputs do not need is for the next state."""
        waits, none = {}, frozenset()
        for node in self._nodes:
            found = none
            for bit in self._bits(node):
                found = found | ({self._given[bit]} if bit in self._given else none)
            for other in self._before(node):
                found |= waits[other]
            waits[node] = found
        self.pieces, needed = [], []
        for port, bits in self._pins.items():
            if port in self._inward or port == CLOCK:
                continue
            of_bits = []
            for bit in bits:
                node = self._driver.get(bit)
                given = frozenset({self._given[bit]}) if bit in self._given else none
                of_bits.append(waits[node] if node else given)
                needed += [node] if node else []
            low = 0
            for n in range(1, len(bits) + 1):
                if n == len(bits) or of_bits[n] != of_bits[low] or n - low == WORD:
                    variable = f"o{len(self.pieces)}"
                    self.pieces.append(
                        Piece(
                            port=port,
                            low=low,
                            width=n - low,
                            variable=variable,
                            waits=of_bits[low],
                        )
                    )
                    low = n
        shown = set()
        while needed:
            if (node := needed.pop()) not in shown:
                shown.add(node)
                needed += self._before(node)
        groups = {piece.waits: [] for piece in self.pieces}
        for node in self._nodes:
            if node in shown:
                groups.setdefault(waits[node], []).append(node)
        self._groups = groups
        self.functions = sorted(groups, key=lambda waits: (len(waits), sorted(waits)))
        self._rest = [node for node in self._nodes if node not in shown]

    # How it is written.

    def called(self, waits):
        return f"{self.name}_{self.functions.index(waits)}"

    def _statement(self, node):
        kind, name = node[:2]
        if kind == "cell":
            return [f"{self._out[name]} = {self._value(self._cells[name])};"]
        field, part, pins = self._instances[name]
        if kind == "call":
            return [f"{part.called(node[2])}(&s->{field});"]
        bits = pins.get(node[2], [])
        return [
            f"s->{field}.{variable} = {self._word(bits[WORD * n :][:WORD])};"
            for n, variable in enumerate(part.inputs[node[2]])
        ]

    def _written(self):
        given = f"struct {self.name} *s"
        texts = []
        for waits in self.functions:
            lines = [line for node in self._groups[waits] for line in self._statement(node)]
            for piece in self.pieces:
                if piece.waits == waits:
                    word = self._word(self._pins[piece.port][piece.low :][: piece.width])
                    lines.append(f"s->{piece.variable} = {word};")
            texts.append(_function(self.called(waits), lines, given, "s"))
        follow = [line for node in self._rest for line in self._statement(node)]
        begin, advance = [], []
        for field, part, _ in self._instances.values():
            follow.append(f"{part.name}_follow(&s->{field});")
            begin.append(f"{part.name}_begin(&s->{field});")
            advance.append(f"{part.name}_advance(&s->{field});")
        fields = []
        for n, (name, cell) in enumerate(self._states.items()):
            pins, q = cell["connections"], self._out[name]
            init = sum(self._netlist["init"].get(bit, 0) << k for k, bit in enumerate(pins["Q"]))
            follow.append(f"s->n{n} = {self._word(pins['D'])};")
            advance.append(f"{q} = s->n{n};")
            begin.append(f"{q} = {_number(init)};")
            fields.append((f"n{n}", len(pins["Q"])))
        fields += [(_bare(name), width) for name, width in self._widths.items() if "." not in name]
        fields += [(piece.variable, piece.width) for piece in self.pieces]
        held = [f"{'u64' if width <= WORD else 'u128'} {name};" for name, width in fields]
        held += [f"struct {part.name} {field};" for field, part, _ in self._instances.values()]
        texts += [
            _function(f"{self.name}_follow", follow, given, "s"),
            _function(f"{self.name}_begin", begin, given, "s"),
            _function(f"{self.name}_advance", advance, given, "s"),
        ]
        return "\n".join([f"struct {self.name} {{", *held, "};", *texts])


def _bare(variable):
    return variable.removeprefix("s->")
