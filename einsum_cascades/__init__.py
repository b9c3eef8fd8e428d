"""Einsum cascades and workloads, as YAML."""
