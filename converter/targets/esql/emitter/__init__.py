"""The emitter: plan to ES|QL."""
