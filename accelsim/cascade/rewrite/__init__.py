"""Rewrites a cascade into one of equal values that takes fewer passes over a rank."""
