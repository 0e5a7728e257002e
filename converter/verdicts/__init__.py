"""Verdicts: how a query relates to its rule, and what it assumes about the log."""
