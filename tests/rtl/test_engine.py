"""The convention: what every registered engine must keep."""

import re
import subprocess
import sys

import pytest
from amaranth.hdl import Fragment

from accelsim.engines import NAMES, engine, model_class
from accelsim.engines.engine import Engine, stream
from accelsim.errors import SpecError
from accelsim.rtl.block import block


@pytest.mark.parametrize("name", NAMES)
def test_states_its_time_and_actions(name):
    found = engine(name)
    assert found.name == name
    assert isinstance(found, Engine)
    assert found.latency >= 0
    assert found.interval >= 1
    names = {port.name for port in found.ports}
    assert names, "an engine has ports"
    assert all(lag >= 0 for lag in found.lags.values())
    assert found.actions, "an operation costs something"
    assert list(found.ports) == [*found.inputs, *found.outputs], "inputs come first"


@pytest.mark.parametrize("name", NAMES)
def test_describes_every_parameter(name):
    described = model_class(name).describe()
    assert described
    for parameter, (default, doc) in described.items():
        assert default is not None, f"{name}: {parameter} has no default"
        assert doc, f"{name}: {parameter} says nothing"


@pytest.mark.parametrize("name", NAMES)
def test_has_a_twin_with_its_ports(name):
    found = engine(name)
    twin = block(found)
    Fragment.get(twin, None)  # it elaborates
    assert list(twin.signature.members) == [port.name for port in found.ports]


def test_unknown_names_are_refused_with_the_nearest():
    with pytest.raises(SpecError, match=r"^unknown engine 'fif'; did you mean 'fifo'\?$|^<input>"):
        engine("fif")
    with pytest.raises(SpecError, match=r"fifo: unknown parameter 'dept'; did you mean 'depth'\?"):
        engine("fifo", {"dept": "3"})


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"depth": "0"}, "fifo: depth must be at least 1, not 0"),
        ({"width": "5000"}, "fifo: width must be at most 4096, not 5000"),
        ({"width": "wide"}, "fifo: width must be a whole number, not 'wide'"),
        ({"width": "1e3"}, "fifo: width must be a whole number, not '1e3'"),
    ],
)
def test_bad_parameters_are_refused_with_a_sentence(settings, sentence):
    with pytest.raises(SpecError, match=re.escape(sentence)):
        engine("fifo", settings)


def test_all_faulty_settings_are_named_at_once():
    with pytest.raises(SpecError) as refused:
        engine("fifo", {"width": "a", "dept": "b"})
    assert len(refused.value.faults) == 2


def test_a_payload_is_packed_first_field_lowest():
    port = stream("i", "in", 4)
    assert port.pack(i=9) == 9
    with pytest.raises(ValueError, match=r"i\.i must fit 4 bits, not 16"):
        port.pack(i=16)
    with pytest.raises(ValueError, match="port i must be given i, not j"):
        port.pack(j=1)


def test_the_models_do_not_import_amaranth():
    code = (
        "import sys; from accelsim.engines import NAMES, engine\n"
        "for name in NAMES: list(engine(name).ports)\n"
        "sys.exit('amaranth' in sys.modules or 'numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
