"""Spec files spoilt at random, always the same for one seed."""

import random
import re

EXPRESSIONS = [
    *("9**9**9", "__import__('os').getcwd()", "1/0", "(" * 400, "max_fit(", "P" * 5000),
    *("[x for x in y]", "max_fit(GLB) - max_fit(GLB)", "10**400", "-1", "0", "ceil_div(1, 0)"),
    *("lambda: 0", "P.__class__"),
]
VALUES = [
    *("", "null", "~", "true", "-1", "0", "1e999", ".nan", ".inf", "9" * 23, "1.5", "[]", "{}"),
    *("[[[[]]]]", "{a: {b: {c: []}}}", "16 MiB", "16 mib", "0 B", "-4 GiB/s", "940 MHz", "on"),
    *("'\\0'", "&a [*a]", "*nowhere", "!!python/object/apply:os.system [ls]", "<<: *x"),
    *("2026-01-01", "0x10", "1_000", "\u202e", "é" * 40),
]
GARBAGE = [
    b"\x00",
    b"\xff\xfe",
    b"\x80\x81",
    b"\t",
    b"{",
    b"}",
    b"]",
    b":",
    b"- ",
    b"\r\n",
    "💥".encode(),
    b"%YAML 9",
]


def mutated(rng: random.Random, text: bytes, others: list[bytes]) -> bytes:
    """Return a file spoilt one to three times."""
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        text = rng.choice(WAYS)(rng, text, others)
    return text


def _lines(text):
    return text.decode("utf-8", "replace").splitlines(keepends=True) or ["\n"]


def _delete_line(rng, text, others):
    lines = _lines(text)
    del lines[rng.randrange(len(lines))]
    return "".join(lines).encode()


def _repeat_line(rng, text, others):
    lines = _lines(text)
    n = rng.randrange(len(lines))
    lines.insert(rng.randrange(len(lines) + 1), lines[n])
    return "".join(lines).encode()


def _swap_lines(rng, text, others):
    lines = _lines(text)
    a, b = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[a], lines[b] = lines[b], lines[a]
    return "".join(lines).encode()


def _indent(rng, text, others):
    lines = _lines(text)
    n = rng.randrange(len(lines))
    lines[n] = " " * rng.randrange(1, 6) + lines[n]
    return "".join(lines).encode()


def _value(rng, text, others):
    return _replaced(rng, text, r"(?<=[:,{\[] )[^,:{}\[\]\n]+", VALUES)


def _expression(rng, text, others):
    return _replaced(rng, text, r"(?<=[:,{\[] )[^,:{}\[\]\n]+", [f'"{e}"' for e in EXPRESSIONS])


def _number(rng, text, others):
    sizes = ["0", "-1", "1", "3", "7", "100000000", "4294967297", "1.5", "x"]
    return _replaced(rng, text, r"\b[0-9]+\b", sizes)


def _word(rng, text, others):
    words = re.findall(r"[A-Za-z_][A-Za-z0-9_]*", text.decode("utf-8", "replace")) or ["x"]
    names = [rng.choice(words), "x", "QK", "p1", "GLB", "__class__"]
    return _replaced(rng, text, r"[A-Za-z_][A-Za-z0-9_]*", names)


def _replaced(rng, text, pattern, choices):
    body = text.decode("utf-8", "replace")
    found = list(re.finditer(pattern, body))
    if not found:
        return text
    place = rng.choice(found)
    return (body[: place.start()] + rng.choice(choices) + body[place.end() :]).encode(
        "utf-8", "replace"
    )


def _bytes(rng, text, others):
    at = rng.randrange(len(text) + 1)
    return text[:at] + rng.choice(GARBAGE) + text[at + rng.randrange(3) :]


def _flip(rng, text, others):
    if not text:
        return b"\x00"
    at = rng.randrange(len(text))
    return text[:at] + bytes([rng.randrange(256)]) + text[at + 1 :]


def _cut(rng, text, others):
    return text[: rng.randrange(len(text) + 1)]


def _nest(rng, text, others):
    depth = rng.choice([3, 60, 3000])
    return _replaced(
        rng, text, r"(?<=: )[^\n]+", ["[" * depth + "]" * depth, "{a: " * depth + "}" * depth]
    )


def _other(rng, text, others):
    other = _lines(rng.choice(others))
    lines = _lines(text)
    at = rng.randrange(len(lines) + 1)
    start = rng.randrange(len(other))
    return "".join([*lines[:at], *other[start : start + rng.randrange(1, 6)], *lines[at:]]).encode()


WAYS = [_delete_line, _repeat_line, _swap_lines, _indent, _value, _value, _value, _expression, _expression,
        _number, _number, _number, _word, _word, _word, _bytes, _flip, _cut, _nest, _other]  # fmt: skip
