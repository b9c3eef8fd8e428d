"""A made-up library in liberty's text, small enough to work its figures out by hand.

Volts 1, times in ns, capacitances in pF, so that energies are in pJ. Every input is 1 fF, the
clock 2 fF.
"""

_TABLE = """{kind} (t) {{
        index_1 ("0.01, 0.11"); index_2 ("0.0, 0.01");
        values ("{a}, {b}", "{c}, {d}"); }}"""


def _table(kind, base, per_load, per_slew):
    """A plane: base + per_load x load (per 0.01 pF) + per_slew x slew (per 0.1 ns)."""
    return _TABLE.format(
        kind=kind, a=base, b=base + per_load, c=base + per_slew, d=base + per_load + per_slew
    )


def _arc(pin, sense, delay, kind="combinational"):
    tables = [_table(f"cell_{edge}", delay, 0.1, 0.05) for edge in ("rise", "fall")]
    tables += [_table(f"{edge}_transition", 0.02, 0.08, 0.0) for edge in ("rise", "fall")]
    head = f'related_pin : "{pin}"; timing_sense : {sense}; timing_type : {kind};'
    return f"timing () {{ {head} {' '.join(tables)} }}"


def _power(pin, rise, fall, when="", slow=0.0):
    """Energies in pJ, and what 0.1 ns more of slew adds."""
    condition = f'when : "{when}"; ' if when else ""
    related = f'related_pin : "{pin}"; ' if pin else ""
    tables = [
        f'{edge}_power (p) {{ index_1 ("0.01, 0.11"); values ("{energy}, {energy + slow}"); }}'
        for edge, energy in (("rise", rise), ("fall", fall))
    ]
    return f"internal_power () {{ {related}{condition}{' '.join(tables)} }}"


def _input(name, extra="", capacitance=0.001):
    return f"pin ({name}) {{ direction : input; capacitance : {capacitance}; {extra} }}"


def _gate(name, area, pins, function, sense, delay, rise, fall):
    inputs = "\n".join(_input(pin) for pin in pins)
    arcs = "\n".join(_arc(pin, sense, delay) + _power(pin, rise, fall) for pin in pins)
    return f"""cell ({name}) {{ area : {area};
      leakage_power () {{ value : {area}; when : "{pins[0]}"; }}
      leakage_power () {{ value : {area / 2}; when : "!{pins[0]}"; }}
      {inputs}
      pin (Y) {{ direction : output; function : "{function}"; {arcs} }} }}"""


_SETUP = """timing () { related_pin : "CLK"; timing_type : setup_rising;
  rise_constraint (s) { index_1 ("0.01, 1"); index_2 ("0.01, 1"); values ("0.1, 0.1", "0.1, 0.1"); }
  fall_constraint (s) { index_1 ("0.01, 1"); index_2 ("0.01, 1"); values ("0.1, 0.1", "0.1, 0.1"); }
}"""

LIBRARY = f"""/* a test */
library (tiny) {{
  time_unit : "1ns"; voltage_unit : "1V"; leakage_power_unit : "1nW";
  capacitive_load_unit (1, pf); nom_voltage : 1.0;
  lu_table_template (t) {{
    variable_1 : input_net_transition; variable_2 : total_output_net_capacitance;
    index_1 ("1, 2"); index_2 ("1, 2"); }}
  lu_table_template (s) {{
    variable_1 : related_pin_transition; variable_2 : constrained_pin_transition;
    index_1 ("1, 2"); index_2 ("1, 2"); }}
  power_lut_template (p) {{ variable_1 : input_transition_time; index_1 ("1, 2"); }}
  {_gate("INV", 1, "A", "!A", "negative_unate", 0.1, 0.001, 0.003)}
  {_gate("BUF", 2, "A", "A", "positive_unate", 0.2, 0.002, 0.002)}
  {_gate("NAND2", 2, "AB", "(A B)'", "negative_unate", 0.15, 0.002, 0.004)}
  {_gate("NOR2", 2, "AB", "!(A+B)", "negative_unate", 0.15, 0.002, 0.004)}
  cell (DFF) {{ area : 6; cell_leakage_power : 5;
    ff (IQ, IQN) {{ next_state : "D"; clocked_on : "CLK"; }}
    {_input("CLK", "clock : true; " + _power("", 0.005, 0.003), 0.002)}
    {_input("D", _SETUP)}
    pin (Q) {{ direction : output; function : "IQ";
      {_arc("CLK", "non_unate", 0.3, "rising_edge")} {_power("CLK", 0.006, 0.006, slow=0.002)} }} }}
}}
"""
