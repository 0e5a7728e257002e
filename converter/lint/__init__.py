"""Warnings about rules that are valid but probably not what was meant."""
