"""Code that all targets share: the interface, the registry, emission, engines, alerts."""
