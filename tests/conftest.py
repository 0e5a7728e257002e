"""How tests run: a slow machine fails no random test, outcomes are counted, and users have no configuration."""

from __future__ import annotations

import os
import signal
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
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A child inherits that a signal is ignored, as it is for a job that a shell started in the background.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.pluginmanager.register(Outcomes())
