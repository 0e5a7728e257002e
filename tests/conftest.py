"""How tests run: a slow machine fails no random test, outcomes are counted, and users have no configuration."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, settings

from tests.support.outcomes import Outcomes

if TYPE_CHECKING:
    import pytest

settings.register_profile("sigma-convert", deadline=None, suppress_health_check=list(HealthCheck))
if settings.get_current_profile_name() == "default":  # tools/mutate.py has its own
    settings.load_profile("sigma-convert")


def pytest_configure(config: pytest.Config) -> None:
    """Count the outcomes that tests record; let no configuration of the user change them, also in other processes."""
    os.environ["XDG_CONFIG_HOME"] = os.devnull
    config.pluginmanager.register(Outcomes())
