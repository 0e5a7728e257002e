"""Verdicts: how a query relates to its rule, and what it assumes of the log."""
