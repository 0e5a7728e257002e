"""How random tests run: no test fails because the machine is slow."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("sigma-convert", deadline=None, suppress_health_check=list(HealthCheck))
if settings.get_current_profile_name() == "default":  # tools/mutate.py has its own
    settings.load_profile("sigma-convert")
