"""Finds the packages and the compiled kernel; everything else is in pyproject.toml.

Three top-level folders are subpackages of ``accelsim`` (see ``package-dir`` there), which the
declarative search of setuptools cannot express.
"""

from pathlib import Path

from setuptools import Extension, find_packages, setup

MAPPED = ("rtl", "arch_specs", "einsum_cascades")

packages = set(find_packages(include=["accelsim", "accelsim.*"]))
for folder in MAPPED:
    packages.add(f"accelsim.{folder}")
    packages.update(f"accelsim.{folder}.{name}" for name in find_packages(folder))

NATIVE = Path("accelsim/sim/native")

# Optional: where there is no C++ compiler the same kernel in Python does all of it.
kernel = Extension(
    "accelsim.sim.native.kernel",
    sources=[str(NATIVE / "kernel.cc")],
    depends=[str(path) for path in sorted(NATIVE.glob("*.h"))],
    language="c++",
    extra_compile_args=["-std=c++17", "-O3", "-g0", "-fvisibility-inlines-hidden"],
    optional=True,
)

setup(packages=sorted(packages), ext_modules=[kernel])
