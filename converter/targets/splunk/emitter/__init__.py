"""Plan to SPL and to files that hold it, one file a job; `emit.py` begins."""
