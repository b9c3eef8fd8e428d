"""Synthesis to a liberty: area, critical path, leakage, energy from gate-level toggles."""
