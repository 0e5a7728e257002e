"""One folder a target: an emitter (plan to text) and an engine (text to results), which never import each other."""
