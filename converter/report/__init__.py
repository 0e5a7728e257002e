"""Reports: what the harness found, as text for a person and in formats for programs.

Matrix | Alert ──> text | json | ndjson
"""
