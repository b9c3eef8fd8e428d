"""Specs: find, read and validate the YAML files; safe expressions; JSON Schemas for editors."""

from accelsim.specs.expr import Expression
from accelsim.specs.find import KINDS, names, path
from accelsim.specs.reader import Document, ReadOnce, read, read_text
from accelsim.specs.schema import write_schemas
from accelsim.specs.validate import Spec, validate

__all__ = [
    "KINDS",
    "Document",
    "Expression",
    "ReadOnce",
    "Spec",
    "names",
    "path",
    "read",
    "read_text",
    "validate",
    "write_schemas",
]
