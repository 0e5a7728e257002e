"""The reference evaluator of Sigma, the oracle of all tests. It reads plans and events, never a target or an engine.

Plan + events ──match──> matching events ──correlate──> Alert
"""
