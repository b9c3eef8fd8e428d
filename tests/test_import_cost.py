import json
import subprocess
import sys

import pytest

HEAVY = {"numpy", "pandas", "matplotlib", "networkx", "amaranth", "pydantic", "yaml", "plotly"}


def loaded(statement):
    code = f"import json, sys\n{statement}\nprint(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(run.stdout))


@pytest.mark.parametrize(
    "statement",
    ["import accelsim", "import accelsim.units", "import accelsim; accelsim.SpecError"],
)
def test_loads_nothing_heavy(statement):
    assert not loaded(statement) & HEAVY


def test_reading_specs_needs_no_numeric_package():
    assert not loaded("import accelsim.specs") & (HEAVY - {"pydantic", "yaml"})


def test_names_what_it_offers():
    import accelsim

    assert set(accelsim.__all__) == {*accelsim._HOMES, "__version__"}
    assert set(accelsim.__all__) <= set(dir(accelsim))
    with pytest.raises(AttributeError, match="module 'accelsim' has no attribute 'simulat'"):
        _ = accelsim.simulat
