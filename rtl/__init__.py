"""Engines as synthesizable Amaranth; each is the twin of a model in accelsim.engines."""
