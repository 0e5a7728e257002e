"""The fuzzer: `make fuzz`. docs/testing.md describes it; `kinds.py` has what it tries."""
