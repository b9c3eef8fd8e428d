import pickle
import time
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.specs import Expression

SYMBOLS = {"M": 1000, "M0": 256, "E": 64, "PE2D.cols": 128, "f": 0.5}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("ceil_div(M, M0)", 4),
        ("-(-M // M0)", 4),
        ("M / M0", Fraction(125, 32)),
        ("M / 10", 100),
        ("M % M0", 232),
        ("2 ** 10", 1024),
        ("2 ** -1", Fraction(1, 2)),
        ("sqrt(E)", 8),
        ("1 / sqrt(E)", Fraction(1, 8)),
        ("sqrt(2)", 2**0.5),
        ("log2(E)", 6),
        ("log2(0.5)", -1.0),
        ("PE2D.cols * 2", 256),
        ("PE2D . cols", 128),
        ("max(M, M0, 2000) - min(1, 2)", 1999),
        ("M if M > M0 and not E == 0 else 0", 1000),
        ("1 < 2 < 3", True),
        ("16 MiB // 2 KiB", 8192),
        ("1 KB", 1000),
        ("0.8 * 400", 320),
        ("16e6", 16_000_000),
        ("65_536", 65536),
        ("floor(7 / 2) + ceil(7 / 2)", 7),
        ("f * 2", 1.0),
        ("\n  M\n + 1", 1001),
    ],
)
def test_evaluates(text, value):
    found = Expression.parse(text).evaluate(SYMBOLS)
    assert found == value
    assert type(found) is type(value)


def test_knows_its_names_functions_and_arguments():
    parsed = Expression.parse("max_fit(GLB) + best(M, E * PE2D.cols) + min(M, 3)")
    assert parsed.names == {"M", "E", "PE2D.cols"}
    assert parsed.functions == {"max_fit", "best"}
    assert parsed.arguments == {"GLB", "M"}


def test_hands_bare_names_without_a_value_to_functions_as_text():
    def fit(memory, share=1):
        return {"GLB": 64}[memory] * share

    assert Expression.parse("max_fit(GLB, E) + 1").evaluate(SYMBOLS, {"max_fit": fit}) == 4097


def test_is_equal_by_its_text_and_survives_pickling():
    parsed = Expression.parse("M + 1")
    assert parsed == Expression.parse(" M + 1 ")
    assert pickle.loads(pickle.dumps(parsed)).evaluate(SYMBOLS) == 1001


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("M00 + 1", "'M00 + 1': unknown name 'M00'; did you mean 'M0'?"),
        ("PE2D.rows", "'PE2D.rows': unknown name 'PE2D.rows'; did you mean 'PE2D.cols'?"),
        ("cel(1)", "'cel(1)': unknown function 'cel'; did you mean 'ceil'?"),
        ("1 / (M - M)", "'1 / (M - M)': must not divide by zero"),
        ("0 ** -1", "'0 ** -1': must not divide by zero"),
        ("9 ** 9 ** 9", "'9 ** 9 ** 9': must have a result of at most 4096 bits"),
        ("(2**4000) * (2**4000)", "at most 4096 bits"),
        ("sqrt(-1)", "'sqrt(-1)': sqrt must have a number of zero or more"),
        ("log2(0)", "'log2(0)': log2 must have a number above zero"),
        ("(-1) ** 0.5", "'(-1) ** 0.5': must be a real number"),
        ("1.5 ** 99999.5", "'1.5 ** 99999.5': must stay a finite number"),
    ],
)
def test_says_why_there_is_no_value(text, message):
    with pytest.raises(ValueError) as caught:
        Expression.parse(text).evaluate(SYMBOLS)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "__import__('os')",
        "__import__(os)",
        "().__class__",
        "M.__class__()",
        "(lambda x: x)(1)",
        "[i for i in M]",
        "M[0]",
        "M := 1",
        "M = 1",
        "'a' * 9",
        "True",
        "None",
        "1j",
        "f(*M)",
        "f(**M)",
        "min(key=M)",
        "min()",
        "ceil_div(1)",
        "M @ E",
        "M & E",
        "~M",
        "1e999",
        "1if M else 2if",
        "M; E",
        "await M",
        "\u216f + 1",
        "(" * 400,
        "-" * 999 + "1",
        "not " * 240 + "1",
        "1+" * 499 + "1",
        "2**" * 300 + "2",
        "a." * 400 + "a)",
        "9" * 2000,
        "x" * 10_000_000,
        "1 if 1 else " * 80 + "1",
    ],
)
def test_refuses_what_is_not_arithmetic_quickly(text):
    start = time.monotonic()
    with pytest.raises(ValueError, match="must be an expression such as"):
        Expression.parse(text)
    assert time.monotonic() - start < 1


PIECES = st.sampled_from(
    [
        *"()+-*/%<>=!., \n_[",
        *("**", "//", "M", "E", "9", "99", "1e9", "0.5", "0x1f", " MiB", "PE2D.cols", "f("),
        *(" if ", " else ", " and ", " not ", "min(", "ceil_div(", "log2(", "sqrt("),
    ]
)


@settings(max_examples=1000, deadline=None)
@given(st.one_of(st.text(max_size=80), st.lists(PIECES, max_size=30).map("".join)))
def test_never_shows_anything_but_a_value_error(text):
    try:
        Expression.parse(text).evaluate(SYMBOLS)
    except ValueError as error:
        assert str(error)
