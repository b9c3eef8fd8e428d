import json
import re

from accelsim.specs import Spec, write_schemas
from accelsim.specs.fields import Formula, Positive, Size


class Buffer(Spec):
    size: Size
    """How much it holds."""

    ports: Positive = 1
    depth: Formula


def test_writes_schemas_that_are_the_same_every_time(tmp_path):
    (first,) = write_schemas({"buffer": Buffer}, tmp_path / "a")
    (second,) = write_schemas({"buffer": Buffer}, tmp_path / "b")
    assert first.read_bytes() == second.read_bytes()
    schema = json.loads(first.read_text())
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["size", "depth"]
    size = schema["properties"]["size"]
    assert size["examples"] == ["16 MiB"]
    assert size["description"] == "How much it holds."
    assert re.search(size["pattern"], "16 MiB")
    assert not re.search(size["pattern"], "16 MX")


def test_writes_quantities_with_their_units_as_json():
    buffer = Buffer.model_validate({"size": "16 MiB", "depth": "M + 1"})
    assert json.loads(buffer.model_dump_json()) == {"size": "16 MiB", "ports": 1, "depth": "M + 1"}
