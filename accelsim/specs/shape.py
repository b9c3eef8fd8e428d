"""Which keys a model takes at a path: what a misspelt key is compared with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel


def key_names(model: type[BaseModel], loc: tuple[str | int, ...], data: Any) -> set[str]:
    """Return the keys of the mapping at ``loc``; of a tagged union only those of its tag."""
    shapes = list(_models_and_containers(model))
    for part in loc:
        shapes = [child for shape in _matching(shapes, data) for child in _children(shape, part)]
        data = _item(data, part)
    names: set[str] = set()
    for shape in _matching(shapes, data):
        if _is_model(shape):
            names.update(_fields(shape))
    return names


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _children(shape: Any, part: str | int) -> Iterator[Any]:
    if _is_model(shape):
        annotation = _fields(shape).get(str(part))
        if annotation is not None:
            yield from _models_and_containers(annotation)
        return
    arguments = get_args(shape)
    if not arguments:
        return
    origin = get_origin(shape)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        yield from _models_and_containers(arguments[1])
        return
    for argument in arguments:
        yield from _models_and_containers(argument)


def _models_and_containers(annotation: Any) -> Iterator[Any]:
    """Open unions and annotations: what is left are models, containers and plain types."""
    annotation = getattr(annotation, "__value__", annotation)  # a type alias
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _models_and_containers(get_args(annotation)[0])
    elif origin in {Union, UnionType}:
        for argument in get_args(annotation):
            yield from _models_and_containers(argument)
    else:
        yield annotation


def _matching(shapes: list[Any], data: Any) -> list[Any]:
    """Drop the models whose literal fields (such as ``kind``) contradict the data."""
    return [shape for shape in shapes if not (_is_model(shape) and _contradicts(shape, data))]


def _contradicts(model: type[BaseModel], data: Any) -> bool:
    if not isinstance(data, dict):
        return False
    for name, annotation in _fields(model).items():
        if get_origin(annotation) is Literal and name in data:
            value = data[name]
            if all(value != allowed for allowed in get_args(annotation)):
                return True
    return False


def _item(data: Any, part: str | int) -> Any:
    try:
        return data[part]
    except (KeyError, IndexError, TypeError):
        return None


def _is_model(shape: Any) -> bool:
    return isinstance(shape, type) and issubclass(shape, BaseModel)
