"""The types that the Elastic Common Schema gives to fields."""

from __future__ import annotations

import pytest

from converter.products.elastic.field_types import ecs_type, has_text


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("@timestamp", "date"),
        ("message", "match_only_text"),
        ("process.pid", "long"),
        ("process.entry_leader.parent.pid", "long"),
        ("process.command_line", "wildcard"),
        ("process.parent.start", "date"),
        ("threat.indicator.file.x509.not_after", "date"),
        ("threat.enrichments.indicator.ip", "ip"),
        ("source.geo.location", "geo_point"),
        ("file.size", "long"),
        ("registry.data.bytes", None),
        ("registry.data.strings", "wildcard"),
        ("event.risk_score", "float"),
        ("file.code_signature.trusted", "boolean"),
        ("process.name", None),
        ("log.syslog.structured_data", "flattened"),
        ("aws.vpcflow.port", None),
        ("winlog.event_data.ip", None),
        ("pid", None),
    ],
)
def test_types_of_ecs(name: str, kind: str | None) -> None:
    assert ecs_type(name) == kind


@pytest.mark.parametrize(
    ("name", "has"),
    [("process.name", True), ("user.effective.name", True), ("process.command_line", True), ("file.path", True),
     ("host.name", False), ("log.file.path", False), ("aws.cloudtrail.user.name", False), ("name", False)],
)  # fmt: skip
def test_fields_whose_words_ecs_can_search(name: str, has: bool) -> None:  # noqa: FBT001  a parameter of the test
    assert has_text(name) is has
