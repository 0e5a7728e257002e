"""The emitter: plan to EQL."""
