"""JSON of strangers: one value, and a stream of values. It knows nothing of logs and of envelopes."""
