"""The reference evaluator of Sigma: the oracle. It reads plans and events, and knows no target, view or engine.

Plan + events ──match──> matching events ──correlate──> Alert
"""
