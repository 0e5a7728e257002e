"""Reports for people and for programs.

check.Report | Matrix | Alert | Query ──> JSON, NDJSON, SARIF: plain data
                                      └─> Line, Pointer, Grid (layout) ──> terminal, pipe
"""
