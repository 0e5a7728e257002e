"""Strangers' files to values with positions: YAML, logs, lookup tables."""
