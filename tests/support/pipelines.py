"""Rules of CloudTrail as pySigma's objects, and pipelines in files, for tests of pipelines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml
from sigma.collection import SigmaCollection

from converter.pipelines.apply import Applied, apply
from converter.pipelines.choose import logsources_of, select
from converter.pipelines.fields import AnyRule, fields_of
from converter.readers.log_source import LogSource

if TYPE_CHECKING:
    from pathlib import Path

CLOUDTRAIL = LogSource("aws", None, "cloudtrail")
PRODUCTS: tuple[str, ...] = ("splunk", "elastic")


def detection(fields: dict[str, Any], condition: str = "selection", **extra: Any) -> dict[str, Any]:
    return {
        "title": "A rule",
        "name": "a_rule",
        "logsource": {"product": "aws", "service": "cloudtrail"},
        "detection": {"selection": fields, "condition": condition},
        **extra,
    }


def correlation(group_by: list[str], **extra: Any) -> dict[str, Any]:
    return {
        "title": "A correlation",
        "name": "a_correlation",
        "correlation": {
            "type": "event_count",
            "rules": ["a_rule"],
            "group-by": group_by,
            "timespan": "6m",
            "condition": {"gte": 25},
            **extra,
        },
    }


def collection(*documents: dict[str, Any]) -> SigmaCollection:
    return SigmaCollection.from_yaml(yaml.safe_dump_all(documents, sort_keys=False))


def applied(product: str, *documents: dict[str, Any]) -> Applied:
    given = collection(*documents)
    return apply(given, select(product, logsources_of(given.rules)))


def rule_of(result: Applied, name: str) -> AnyRule:
    return next(rule for rule in result.collection.rules if rule.name == name)


def mapped_fields(product: str, *fields: str) -> list[str]:
    result = applied(product, detection(dict.fromkeys(fields, "x")))
    return fields_of(rule_of(result, "a_rule"))[:-1]  # the last is the data set's


def pipeline_file(folder: Path, file: str, **data: Any) -> str:
    path = folder / file
    path.write_text(yaml.safe_dump(data), "utf-8")
    return str(path)


def rename(source: str, target: str) -> dict[str, Any]:
    return {"type": "field_name_mapping", "mapping": {source: target}}
