"""Warnings about rules that are valid, but probably not what the author meant."""
