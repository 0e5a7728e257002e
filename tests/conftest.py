"""How random tests run: no test fails because the machine is slow. How outcomes are counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import HealthCheck, settings

from tests.support.outcomes import Outcomes

if TYPE_CHECKING:
    import pytest

settings.register_profile("sigma-convert", deadline=None, suppress_health_check=list(HealthCheck))
if settings.get_current_profile_name() == "default":  # tools/mutate.py has its own
    settings.load_profile("sigma-convert")


def pytest_configure(config: pytest.Config) -> None:
    """Count the outcomes that tests record."""
    config.pluginmanager.register(Outcomes())
