"""The emitter: plan to SPL, and to files that hold it."""
