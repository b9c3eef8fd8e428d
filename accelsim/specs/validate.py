"""Turns the data of a document into a model, or every fault in it into file:line:column messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from accelsim.errors import Fault, SpecError, nearest
from accelsim.specs.reader import Document, Loc
from accelsim.specs.shape import key_names
from accelsim.units import brief


class Spec(BaseModel):
    """Base of the spec models: frozen, unknown keys are faults."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        arbitrary_types_allowed=True,
        populate_by_name=True,
        use_attribute_docstrings=True,
    )


SpecT = TypeVar("SpecT", bound=BaseModel)


def validate(document: Document, model: type[SpecT], *, loc: Loc = ()) -> SpecT:
    """Return the model of the data at ``loc``; SpecError lists every fault, in file order."""
    return document.kept.once((model, loc), lambda: _validated(document, model, loc))


def _validated(document: Document, model: type[SpecT], loc: Loc) -> SpecT:
    data = document.data
    for part in loc:
        data = data[part]
    if not isinstance(data, dict):
        message = f"{_subject(loc)} must be a mapping of keys, not {brief(data)}".lstrip()
        raise SpecError(document.fault(loc, message))
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise SpecError(_faults(document, loc, data, model, error)) from None


@dataclass(frozen=True, kw_only=True)
class _Problem:
    """One pydantic error, its path in the data told apart from the branches of unions it went by."""

    kind: str
    loc: Loc
    context: Mapping[str, Any]
    value: Any
    text: str
    on_key: bool
    unions: tuple[tuple[Loc, str], ...] = ()


def _faults(
    document: Document, top: Loc, data: Any, model: type[BaseModel], error: ValidationError
) -> list[Fault]:
    problems = [_problem(details, data) for details in error.errors(include_url=False)]
    problems = _one_branch(problems, 0)
    placed: list[Fault] = []
    misspelt: set[Loc] = set()
    for problem in problems:
        if problem.kind == "extra_forbidden":
            name = str(problem.loc[-1])
            hint = nearest(name, key_names(model, problem.loc[:-1], data))
            if "did you mean" in hint:
                misspelt.add((*problem.loc[:-1], hint.split("'")[1]))
            message = f"unknown key {brief(name)}{hint}"
            placed.append(document.fault((*top, *problem.loc), message, key=True))
    for problem in problems:
        if problem.kind == "extra_forbidden":
            continue
        if problem.kind == "missing":
            if problem.loc not in misspelt:
                message = f"must have the key {str(problem.loc[-1])!r}"
                placed.append(_say(document, top, problem.loc[:-1], message, key=bool(problem.loc)))
            continue
        message = _message(problem)
        placed.append(_say(document, top, problem.loc, message, key=problem.on_key))
    unique = dict.fromkeys(placed)
    return sorted(unique, key=lambda fault: (fault.line, fault.column))


def _say(document: Document, top: Loc, loc: Loc, message: str, *, key: bool) -> Fault:
    full = (*top, *loc)
    starts = message.startswith(("must ", "has "))
    text = f"{_subject(full)} {message}".lstrip() if starts else message
    return document.fault(full, text, key=key)


def _problem(details: Any, data: Any) -> _Problem:
    parts: tuple[str | int, ...] = details["loc"]
    loc: Loc = ()
    unions: tuple[tuple[Loc, str], ...] = ()
    on_key = details["type"] == "union_tag_not_found"
    current = data
    last = len(parts) - 1
    for index, part in enumerate(parts):
        in_list = isinstance(current, list) and isinstance(part, int) and part < len(current)
        if in_list or (isinstance(current, dict) and part in current):
            loc, current = (*loc, part), current[part]
        elif part == "[key]":
            on_key = True
        elif index == last and details["type"] == "missing":
            loc = (*loc, part)
        else:
            unions = (*unions, (loc, str(part)))
    if details["type"] == "union_tag_invalid":
        loc = (*loc, details["ctx"]["discriminator"].strip("'"))
    return _Problem(
        kind=details["type"],
        loc=loc,
        context=details.get("ctx", {}),
        value=details["input"],
        text=details["msg"],
        on_key=on_key,
        unions=unions,
    )


def _one_branch(problems: list[_Problem], level: int) -> list[_Problem]:
    """Of each union keep the branch that the data is nearest to, else join what the branches ask for."""
    kept = [problem for problem in problems if len(problem.unions) <= level]
    groups: dict[Loc, dict[str, list[_Problem]]] = {}
    for problem in problems:
        if len(problem.unions) > level:
            union, branch = problem.unions[level]
            groups.setdefault(union, {}).setdefault(branch, []).append(problem)
    for union, branches in groups.items():
        reduced = [_one_branch(branch, level + 1) for branch in branches.values()]
        deeper = [
            branch for branch in reduced if all(len(problem.loc) > len(union) for problem in branch)
        ]
        if len(reduced) == 1 or deeper:
            nearest_branch = min(deeper or reduced, key=len)
            kept += nearest_branch
        else:
            kept.append(_joined([p for branch in reduced for p in branch if p.loc == union]))
    return kept


def _joined(problems: list[_Problem]) -> _Problem:
    rules = dict.fromkeys(rule for rule in map(_rule, problems) if rule)
    if not rules:
        return problems[0]
    text = f"must be {' or '.join(rules)}, not {brief(problems[0].value)}"
    return replace(problems[0], kind="value_error", text=text)


_RULES = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a smaller whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "string_type": "text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "dict_type": "a mapping of keys",
    "mapping_type": "a mapping of keys",
    "model_type": "a mapping of keys",
    "model_attributes_type": "a mapping of keys",
    "dataclass_type": "a mapping of keys",
    "none_required": "empty",
    "greater_than": "above {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "below {lt}",
    "less_than_equal": "at most {le}",
    "multiple_of": "a multiple of {multiple_of}",
    "literal_error": "one of {expected}",
    "enum": "one of {expected}",
    "string_pattern_mismatch": "text of the form {pattern}",
    "string_too_short": "text of at least {min_length} characters",
    "string_too_long": "text of at most {max_length} characters",
    "too_short": "of at least {min_length} items",
    "too_long": "of at most {max_length} items",
}


def _rule(problem: _Problem) -> str:
    """Return what follows "must be", or nothing if the error is not of that shape."""
    template = _RULES.get(problem.kind)
    if template is not None:
        return template.format_map(problem.context)
    message = _own_message(problem)
    if message.startswith("must be "):
        return message.removeprefix("must be ").partition(", not ")[0]
    return ""


def _message(problem: _Problem) -> str:
    if problem.kind == "union_tag_not_found":
        return f"must have the key {problem.context['discriminator']}"
    if problem.kind == "union_tag_invalid":
        tag = str(problem.context["tag"])
        valid = [name.strip(" '") for name in str(problem.context["expected_tags"]).split(",")]
        return f"must be {_listed(valid)}, not {brief(tag)}{_close(tag, valid)}"
    if problem.kind in {"too_short", "too_long"}:
        return f"must have {_rule(problem)[3:]}, not {problem.context['actual_length']}"
    if problem.kind in _RULES:
        hint = ""
        if problem.kind in {"literal_error", "enum"} and isinstance(problem.value, str):
            expected = str(problem.context["expected"]).replace(" or ", ", ")
            hint = _close(problem.value, [name.strip(" '") for name in expected.split(",")])
        return f"must be {_rule(problem)}, not {brief(problem.value)}{hint}"
    return _own_message(problem)


def _own_message(problem: _Problem) -> str:
    if problem.kind in {"value_error", "assertion_error"}:
        return problem.text.removeprefix("Value error, ").removeprefix("Assertion failed, ")
    return f"must be valid: {problem.text[:1].lower()}{problem.text[1:]}"


def _close(name: str, valid: list[str]) -> str:
    hint = nearest(name, valid)
    return hint if "did you mean" in hint else ""


def _listed(valid: list[str]) -> str:
    return " or ".join(repr(name) for name in valid)


def _subject(loc: Loc) -> str:
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text
