"""Imports go downward only; the order of the layers is the table below."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# From the top down. Names on one line are strangers to each other; a name is a module or package
# under accelsim, and its own submodules may import one another.
LAYERS = [
    ["cli"],
    ["api"],
    ["report", "plot", "interchange"],
    ["explore"],
    ["job"],
    ["result"],
    ["energy", "rtl"],
    ["sim"],
    ["mapping", "rows"],
    ["cascade", "arch"],
    ["engines"],
    ["specs"],
    ["kept", "ops", "units"],
    ["replay"],
    ["errors"],
]

# (importer, imported): what a rule of the design allows by name.
EXCEPTIONS = {
    ("result", "plot"),  # Report.plot() imports its pictures when called
}

# Data folders and the root package, which only maps public names to modules, have no layer.
NO_LAYER = {"arch_specs", "einsum_cascades", ""}

HEIGHT = {name: -level for level, names in enumerate(LAYERS) for name in names}


def python_files():
    folders = {"accelsim": ROOT / "accelsim", "rtl": ROOT / "rtl"}
    for folder, path in folders.items():
        for file in sorted(path.rglob("*.py")):
            if folder == "accelsim" and file.is_relative_to(path / "rtl"):
                continue  # the link to rtl/
            inside = file.relative_to(path).parts
            yield file, ("rtl" if folder == "rtl" else Path(inside[0]).stem)


def imported(tree):
    """Yield (line, name under accelsim) for every import, also those inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "accelsim":
            modules = [f"accelsim.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module or ""]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            modules = [a.value for a in node.args[:1] if isinstance(a, ast.Constant)]
        else:
            continue
        for module in modules:
            parts = str(module).split(".")
            if parts[0] == "accelsim" and len(parts) > 1:
                yield node.lineno, parts[1]


def faults(file, layer, text):
    found = []
    for line, name in imported(ast.parse(text)):
        if name == layer or name in NO_LAYER or (layer, name) in EXCEPTIONS or layer == "__init__":
            continue
        if name.startswith("__"):
            continue  # accelsim.__version__
        if name not in HEIGHT:
            found.append(f"{file}:{line}: accelsim.{name} has no layer")
        elif HEIGHT[name] >= HEIGHT[layer]:
            found.append(f"{file}:{line}: {layer} must not import {name}, which is not below it")
    return found


def test_every_module_has_a_layer():
    layers = {layer for _, layer in python_files()} - {"__init__", "__main__"} - NO_LAYER
    assert layers <= set(HEIGHT)


def test_imports_go_downward():
    found = []
    for file, layer in python_files():
        if layer in HEIGHT or layer == "__init__":
            found += faults(file.relative_to(ROOT), layer, file.read_text(encoding="utf-8"))
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("layer", "text", "fault"),
    [
        ("units", "from accelsim.specs import read", "f:1: units must not import specs"),
        ("units", "def f():\n    import accelsim.sim.program", "f:2: units must not import sim"),
        ("cascade", "from accelsim import arch", "f:1: cascade must not import arch"),
        ("sim", "from accelsim.nowhere import x", "f:1: accelsim.nowhere has no layer"),
        ("units", "import_module('accelsim.cli')", "f:1: units must not import cli"),
    ],
)
def test_sees_an_import_that_goes_up(layer, text, fault):
    assert faults("f", layer, text)[0].startswith(fault)


def test_every_folder_with_code_is_a_package():
    for folder in ("accelsim", "rtl"):
        for file in (ROOT / folder).rglob("*.py"):
            assert (file.parent / "__init__.py").exists(), file.parent
