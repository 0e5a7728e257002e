"""Rules, cases and helpers for tests of the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from converter.cli import main

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

BASE = """\
title: Bad thing
id: 11111111-1111-4111-8111-111111111111
name: bad_thing
logsource: {product: test}
detection:
    selection: {kind: bad}
    condition: selection
level: low
"""
BURST = """\
---
title: Burst of bad things
id: 22222222-2222-4222-8222-222222222222
name: burst
correlation:
    type: event_count
    rules: [bad_thing]
    group-by: [user]
    timespan: 1m
    condition: {gte: 3}
level: medium
"""
CASES = """\
rule: burst.yml
base: 2026-01-01T00:00:00Z
time_field: timestamp
defaults: {event: {kind: bad, user: ann}}
cases:
    - {name: three in a minute, events: [{repeat: 3, every: 20s}], expect: {alerts: 1, groups: [{user: ann}]}}
    - {name: two in a minute, events: [{repeat: 2, every: 20s}], expect: none}
    - name: over a boundary
      events: [{at: 50s, repeat: 3, every: 10s}]
      expect: {alerts: 1}
      known_divergence: {"pysigma:splunk": {expect: none, reason: fixed minutes}}
"""


def write(path: str, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, encoding="utf-8")


def run(capsys: pytest.CaptureFixture[str], command: str | Sequence[str]) -> tuple[int, str, str]:
    status = main(command.split() if isinstance(command, str) else command)
    out, err = capsys.readouterr()
    return status, out, err
