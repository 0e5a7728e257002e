"""Plan to a detection of splunk/contentctl 5.6, in YAML: the search with its filter macro, deployment, risk and tags.

Plan ──schedule_plan──> Scheduled ──fields──> mapping ──YAML library──> text ──read again──> the same mapping

contentctl makes the savedsearches.conf. It would take the schedule of its own configuration, once an hour over the hour
before, which cuts bursts; so the file says its own under `deployment`. The name of the file must be that of the
detection, and the search must call a macro of that name, by which a site leaves out what it knows.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import yaml

from converter.errors import ConfigurationError
from converter.plan import nodes as ir
from converter.targets.core.emission import check_context, refused
from converter.targets.core.links import links_of
from converter.targets.splunk.emitter.conf_stanza import one_line, unique_title, without_tokens
from converter.targets.splunk.emitter.detection_metadata import (
    SCORES,
    Risk,
    asset_of,
    cves_of,
    domain_of,
    id_of,
    level_of,
    message_of,
    risks_of,
    techniques_of,
)
from converter.targets.splunk.emitter.savedsearches import as_file, sentence
from converter.targets.splunk.emitter.schedule import period, schedule_plan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from converter.targets.core.target import Context, Query, Titles
    from converter.targets.splunk.emitter.schedule import Scheduled

MAX_NAME = 67
_MAX_AUTHOR = 255
_MAX_DESCRIPTION = 10_000
_MAX_URL = 2_000
_PRODUCTS = ("Splunk Enterprise", "Splunk Enterprise Security", "Splunk Cloud")
# contentctl finds tables by these in the text of a search, whatever they stand in.
_LOOKUP = re.compile(r"[^\w](input|output)?lookup\b[^|]*?\s\w", re.IGNORECASE)
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", re.ASCII)
_LOADER: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DUMPER: type[Any] = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_PLAIN = re.compile(r"[A-Za-z0-9_.{}]+", re.ASCII)


def emit_contentctl(plan: ir.Plan, context: Context, formats: Mapping[str, str], options: Mapping[str, str]) -> Query:
    """Return the file of a plan.

    Raises:
        RefusedError: as `schedule_plan`, and text that contentctl would take for a table or a macro.
        ConfigurationError: an unknown security domain.
    """
    check_context("splunk", context, formats, options)
    scheduled = schedule_plan(plan, context, formats, options)
    text = scheduled.query.text
    if _LOOKUP.search(text) or "`" in text:
        raise refused(
            "contentctl takes the word lookup, or a backtick, in the text of a search for a table or a macro",
            "text that contentctl reads",
            plan.place,
            "use the format es",
        )
    detection = _Detection(plan, context)
    query = as_file(scheduled, partial(_text, detection, scheduled), "contentctl", "contentctl")
    return replace(query, stem=file_stem(detection.name))


class _Detection:
    """What the file says besides the search."""

    def __init__(self, plan: ir.Plan, context: Context) -> None:
        self.plan = plan
        self.meta = plan.meta
        self.domain = domain_of(plan, context.options)
        self.name = name_of(plan.meta, context.titles)
        self.story = one_line(context.options.get("story", ""))
        self.level = level_of(plan.meta)
        risks = risks_of(plan)
        if all(risk.threat for risk in risks):
            # The severity comes from the score of a risk object, so there must be one.
            names = plan.group_by if isinstance(plan, ir.Correlation) else ir.fields_of_plan(plan)
            other = next((name for name in names if _PLAIN.fullmatch(name)), None)
            risks = (*risks, Risk(other, "other")) if other is not None else ()
        # A field is at risk or a threat, not both.
        self.risks = tuple({risk.field: risk for risk in risks}.values())

    @property
    def kind(self) -> str:
        """TTP for what deserves a notable on its own, Anomaly for what adds to a risk, Hunting for what informs."""
        if self.level in {"high", "critical"}:
            return "TTP"
        return "Hunting" if self.level == "informational" else "Anomaly"

    @property
    def notable(self) -> bool:
        """Whether a result becomes a notable: a TTP; an anomaly if there is nobody whose risk it could add to."""
        return self.kind == "TTP" or (self.kind == "Anomaly" and not self.scored)

    @property
    def scored(self) -> bool:
        """Whether it adds to a risk."""
        return bool(self.risks) and self.kind != "Hunting"


def name_of(meta: ir.Metadata, titles: Titles) -> str:
    """Return a name that gives a file name and a name of a macro: ASCII letters, digits, blanks and hyphens."""
    key = sha256((meta.id or meta.key).encode("utf-8", "replace")).hexdigest()[:8]
    plain = _plain(meta.title)
    # Two titles must differ in what the names of files are made from.
    return unique_title(plain, key, MAX_NAME, " {}", shared=titles.shared(meta.title, _stem_of_title))


def _stem_of_title(title: str) -> str:
    return file_stem(_plain(title))


def _plain(text: str) -> str:
    return " ".join(
        "".join(char if char.isascii() and (char.isalnum() or char == "-") else " " for char in text).split()
    )


def file_stem(name: str) -> str:
    """Return the name of the file, and of the macro without `_filter`, as contentctl makes it from the name."""
    return re.sub(r"[ \-./]", "_", name).lower()


def _text(detection: _Detection, scheduled: Scheduled, search: str) -> str:
    meta, tags = detection.meta, _tags(detection, scheduled)
    references, others = _references(meta)
    parts = [sentence(meta.description or meta.title), *([f"See {', '.join(others)}."] if others else [])]
    description = one_line(" ".join(parts))
    content: dict[str, Any] = {
        "name": detection.name,
        "id": id_of(meta),
        "version": 1,
        "date": meta.modified or meta.date or "1970-01-01",
        "author": one_line(meta.author or "")[:_MAX_AUTHOR] or "unknown",
        "status": "experimental",
        "type": detection.kind,
        "description": without_tokens(description)[:_MAX_DESCRIPTION] or detection.name,
        "data_source": [],
        "search": f"{scheduled.search(search)}\n| `{file_stem(detection.name)}_filter`",
        "how_to_implement": _needs(detection.plan),
        "known_false_positives": one_line("; ".join(meta.falsepositives)).ljust(4, ".")
        if meta.falsepositives
        else "None known.",
        "references": references,
    }
    if detection.scored:
        content["rba"] = _rba(detection)
    content |= {"tags": tags, "deployment": _deployment(detection, scheduled), "tests": []}
    return written(content)


def written(content: Mapping[str, Any]) -> str:
    """Return the YAML of a mapping.

    Raises:
        ConfigurationError: reading it gives something else.
    """
    text: str = yaml.dump(dict(content), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    if yaml.load(text, Loader=_LOADER) != content:  # noqa: S506  a safe loader, in C where there is one
        raise ConfigurationError("the detection cannot be written as YAML")
    return text


class _Dumper(_DUMPER):  # type: ignore[misc]
    """Writes texts of several lines as blocks."""


def _represented(dumper: Any, text: str) -> yaml.ScalarNode:
    node: yaml.ScalarNode = dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)
    return node


_Dumper.add_representer(str, _represented)


def _references(meta: ir.Metadata) -> tuple[list[str], list[str]]:
    """Return those that contentctl takes for a URL, and the others."""
    links, texts = links_of(meta.references)
    good = [link for link in links if _is_url(link)]
    return good, [*texts, *(link for link in links if link not in good)]


def _is_url(link: str) -> bool:
    return (
        link.isascii()
        and len(link) <= _MAX_URL
        and _HOST.fullmatch(urlsplit(link).netloc.partition(":")[0]) is not None
    )


def _needs(plan: ir.Plan) -> str:
    source = ir.detections_of(plan)[0].logsource
    parts = [f"{what} {value}" for what in ("product", "category", "service") if (value := getattr(source, what))]
    fields = ", ".join(dict.fromkeys(ir.fields_of_plan(plan)))
    return one_line(f"Needs events of {', '.join(parts) or 'the log source'} with the fields {fields or '_raw'}.")


def _rba(detection: _Detection) -> dict[str, Any]:
    score = SCORES[detection.level]
    return {
        "message": message_of(detection.meta, detection.risks),
        "risk_objects": [
            {"field": risk.field, "type": risk.kind, "score": score} for risk in detection.risks if not risk.threat
        ],
        "threat_objects": [{"field": risk.field, "type": risk.kind} for risk in detection.risks if risk.threat],
    }


def _tags(detection: _Detection, scheduled: Scheduled) -> dict[str, Any]:
    tags: dict[str, Any] = {
        "analytic_story": [detection.story] if detection.story else [],
        "asset_type": asset_of(detection.plan),
        "mitre_attack_id": techniques_of(detection.meta),
        "product": list(_PRODUCTS),
        "security_domain": detection.domain,
    }
    if cves := cves_of(detection.meta):
        tags["cve"] = cves
    if scheduled.suppress:
        tags["throttling"] = {"fields": list(scheduled.suppress), "period": period(scheduled.period)}
    return tags


def _deployment(detection: _Detection, scheduled: Scheduled) -> dict[str, Any]:
    actions: dict[str, Any] = {"rba": {"enabled": detection.scored}}
    if detection.notable:
        shown = [*(scheduled.query.group_by or ()), *(risk.field for risk in detection.risks)]
        actions["notable"] = {
            "rule_title": "%name%",
            "rule_description": "%description%",
            "nes_fields": list(dict.fromkeys(shown)),
        }
    return {
        "scheduling": {
            "cron_schedule": scheduled.cron,
            "earliest_time": scheduled.earliest,
            "latest_time": scheduled.latest,
            "schedule_window": "0",
        },
        "alert_action": actions,
    }
