"""The emitter: plan to a rule file of elastic/detection-rules."""
