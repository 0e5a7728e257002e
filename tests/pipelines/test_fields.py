"""Which fields of a rule no mapping covers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from converter.pipelines.apply import apply
from converter.pipelines.choose import logsources_of, select
from converter.pipelines.fields import fields_of, unmapped
from converter.products.field_facts import Facts, load_facts
from tests.support.pipelines import (
    CLOUDTRAIL,
    collection,
    detection,
    pipeline_file,
    rename,
    rule_of,
)

if TYPE_CHECKING:
    from pathlib import Path


def not_mapped(product: str, *fields: str, names: tuple[str, ...] = ()) -> list[str]:
    given = collection(detection(dict.fromkeys(fields, "x")))
    result = apply(given, select(product, logsources_of(given.rules), names=names))
    rule = rule_of(result, "a_rule")
    return unmapped(fields_of(given.rules[0]), fields_of(rule), load_facts(product, CLOUDTRAIL), result.mapped(rule))


@pytest.mark.parametrize(
    ("product", "fields", "expected"),
    [
        ("elastic", ("eventName", "requestParameters.x"), []),
        ("elastic", ("eventname", "requestParameters", "tlsDetails.tlsVersion"), None),
        ("elastic", ("event.action", "source.ip"), []),
        ("elastic", ("sourcetype",), None),
        ("splunk", ("eventName", "requestParameters.x.y", "userIdentity.arn", "resources.ARN", "sourcetype"), []),
        ("splunk", ("eventname", "userIdentity.nam", "requestParameters", "event.action"), None),
    ],
)
def test_fields_that_no_mapping_knows(product: str, fields: tuple[str, ...], expected: list[str] | None) -> None:
    assert not_mapped(product, *fields) == (list(fields) if expected is None else expected)


def test_without_facts_only_renamed_fields_are_mapped() -> None:
    assert unmapped(["a", "b"], ["x", "b"], Facts()) == ["b"]


def test_a_mapping_may_keep_a_name(tmp_path: Path) -> None:
    name = pipeline_file(tmp_path, "own.yml", transformations=[rename("CommandLine", "CommandLine")])
    assert not_mapped("splunk", "CommandLine", "Image", names=(name,)) == ["Image"]
