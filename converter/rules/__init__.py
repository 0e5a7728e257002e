"""Sigma files to rules: load, validate, resolve references, apply filters."""
