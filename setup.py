"""Finds the packages; everything else is in pyproject.toml.

Three top-level folders are subpackages of ``accelsim`` (see ``package-dir`` there), which the
declarative search of setuptools cannot express.
"""

from setuptools import find_packages, setup

MAPPED = ("rtl", "arch_specs", "einsum_cascades")

packages = set(find_packages(include=["accelsim", "accelsim.*"]))
for folder in MAPPED:
    packages.add(f"accelsim.{folder}")
    packages.update(f"accelsim.{folder}.{name}" for name in find_packages(folder))

setup(packages=sorted(packages))
