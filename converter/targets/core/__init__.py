"""Shared by all targets: the interface, the registry, emission, engines, alerts."""
