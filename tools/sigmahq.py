"""What the tools share that convert every rule of SigmaHQ: the collection, its events, and the comparison of a query.

    rules.tar.gz, regression.jsonl.gz ──> rules, recorded events
    rule, target ──convert, parse, run──> Comparison with the reference

The data is public and not part of the project; `../shared/data/sigmahq` holds it.
"""

from __future__ import annotations

import gzip
import json
import re
import tarfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converter.conversion import convert_rules
from converter.errors import ConfigurationError, QueryError, RefusedError
from converter.harness.audit import audit, unbroken
from converter.harness.replay import Log, replay
from converter.pipelines.apply import apply
from converter.pipelines.choose import select
from converter.pipelines.fields import fields_of
from converter.products.field_facts import load_facts
from converter.reference.values import find
from converter.targets.core.engines import find_engine
from converter.targets.core.registry import get_target

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from converter.plan import nodes as ir
    from converter.rules.collection import Rules
    from converter.targets.core.target import Query

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "shared" / "data" / "sigmahq"
LEGACY = ("deprecated", "unsupported")
_OF_THE_RULE = re.compile(r"(the case of the rule): .*", re.DOTALL)
_FIELD = re.compile(r"^(the values of |(?:no )?text in )?[\w.@{}-]+( and [\w.@-]+)?(?= (is|are|hold|holds|have)\b)")
_QUOTED = re.compile(r"`[^`]*`|'[^']*'|/.*/|\"[^\"]*\"", re.DOTALL)


@dataclass(slots=True)
class Comparison:
    """How one query of a rule relates to it on the events."""

    verdict: str
    why: tuple[str, ...] = ()
    outcome: str = ""
    excused: int = 0
    causes: Counter[str] = field(default_factory=Counter)
    example: str = ""
    text: str = ""
    events: int = 0


class Watch:
    """Adds up the seconds of each kind of work."""

    def __init__(self, seconds: dict[str, float]) -> None:
        self._seconds = seconds
        self._last = time.process_time()

    def __call__(self, kind: str) -> None:
        """Say what has been done since the last call."""
        now = time.process_time()
        self._seconds[kind] = self._seconds.get(kind, 0.0) + now - self._last
        self._last = now


@cache
def rules() -> dict[str, str]:
    """Return the text of every rule by its path."""
    with tarfile.open(DATA / "rules.tar.gz") as archive:
        members = [member for member in archive if member.name.endswith(".yml")]
        files = {member.name.removeprefix("./"): archive.extractfile(member) for member in members}
        return {name: file.read().decode() for name, file in sorted(files.items()) if file is not None}


@cache
def recordings() -> dict[str, list[dict[str, Any]]]:
    """Return the recorded events of each rule that has any, by its path."""
    found: dict[str, list[dict[str, Any]]] = {}
    with gzip.open(DATA / "regression.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            case = json.loads(line)
            found.setdefault(case["rule_path"], []).extend(case["events"])
    return found


def flat(event: dict[str, Any]) -> dict[str, Any]:
    """Return a recorded event of Windows with Sigma's names of its fields, as an add-on for Windows has them."""
    fields: dict[str, Any] = {}
    for name, value in event["Event"]["System"].items():
        if isinstance(value, dict):
            fields |= {f"{name}_{key}": inner for key, inner in value.get("#attributes", {}).items()}
            fields |= {name: value["#text"]} if "#text" in value else {}
        else:
            fields[name] = value
    for section in ("EventData", "UserData"):
        _flatten(event["Event"].get(section) or {}, fields)
    return {"@timestamp": fields.get("TimeCreated_SystemTime"), **fields}


def _flatten(data: dict[str, Any], fields: dict[str, Any]) -> None:
    for name, value in data.items():
        if isinstance(value, dict):
            _flatten(value, fields)
        elif name not in {"xmlns", "Name"}:
            fields["Data" if name == "#text" else name] = value


def as_logged(event: dict[str, Any], plan: ir.Detection, names: Mapping[str, str]) -> dict[str, Any] | None:
    """Return a generated event in the shape that its log source has, or None if no such event is logged.

    Args:
        event: a generated one.
        plan: its rule.
        names: the product's name of each field, in which {} is a list.
    """
    facts = load_facts("splunk", plan.logsource)
    if not facts.known:
        return event
    values = {name: found[0] for name in names if len(found := find(event, name)) == 1}
    shaped: dict[str, Any] = {"@timestamp": event["@timestamp"]}
    for name, value in values.items():
        if isinstance(value, dict | list):
            return None
        steps = names[name].split(".")
        shaped = _merged(shaped, steps, value)
    return shaped


def _merged(event: dict[str, Any], steps: Sequence[str], value: Any) -> dict[str, Any]:
    first, *rest = steps
    name = first.removesuffix("{}")
    inside = event.get(name)
    if first != name:
        inside = inside[0] if isinstance(inside, list) and inside else {}
    new = _merged(inside if isinstance(inside, dict) else {}, rest, value) if rest else value
    return {**event, name: [new] if first != name else new}


def product_names(read: Rules, plan: ir.Detection) -> dict[str, str]:
    """Return what the pipeline that is built in calls the fields of a rule."""
    applied = apply(read.collection(), select("splunk", [plan.logsource]))
    (before,), (after,) = read.collection().rules, applied.collection.rules
    old, new = fields_of(before), [name for name in fields_of(after) if name != "sourcetype"]
    return dict(zip(old, new, strict=True))


def compare(
    read: Rules, plan: ir.Plan, log: Log, watch: Watch, target: str, *, pipelines: Sequence[str] = ()
) -> Comparison:
    """Convert to a target of ours and compare with the reference."""
    judged = get_target(target)
    try:
        (query,) = convert_rules(read, judged, pipelines=pipelines)
    except RefusedError as error:
        return Comparison("refused", (f"{error.construct}: {general(error.message)}",))
    finally:
        watch(f"convert to {target}")
    found = Comparison(query.verdict.kind, tuple(dict.fromkeys(map(general, query.verdict.notes))), text=query.text)
    try:
        with suppress(ConfigurationError):  # a rule file has no tree of its own
            find_engine(query.language).parse(query.text)
        watch(f"parse {query.language}")
        outcome, _ = replay(plan, query, judged, log)
    except QueryError as error:
        found.outcome, found.example = "not run", f"{error}\n{query.text}"
        return found
    finally:
        watch(f"run {target}")
    found.outcome = outcome.doubt or outcome.kind
    fair = unbroken(plan, query.verdict.assumptions, log, judged.product)
    found.excused = len(log) - len(fair)
    if outcome.contradicts:
        found.example = shown(outcome.differences, query, fair)
    return found


def compare_upstream(
    read: Rules, plan: ir.Detection, log: Log, watch: Watch, target: str, most: int | None = None
) -> Comparison:
    """Convert with pySigma's backend and compare, on the events that break no assumption of our own query."""
    found = audit(read, plan, log, target, most=most)
    watch(target)
    text = found.query.text if found.query is not None else ""
    if found.error is not None:
        construct = f"{found.error.construct}: " if isinstance(found.error, RefusedError) else ""
        return Comparison(
            "", (construct + general(found.error.message),), found.result, example=f"{found.error}\n{text}", text=text
        )
    shown = f"{found.example[0]}: {dict(found.example[1])}\n{text}" if found.example is not None else ""
    return Comparison("", (), found.result, 0, Counter(f"{c} ({side})" for c, side in found.causes), shown, text)


def general(sentence: str) -> str:
    """Return a sentence without what it quotes, without names of fields where it begins, and without a rule's text."""
    sentence = _QUOTED.sub("...", _OF_THE_RULE.sub(r"\1", sentence))
    return _FIELD.sub(r"\1FIELD", sentence)


def shown(differences: Sequence[Any], query: Query, log: Log) -> str:
    """Return the first difference that no assumption explains, with the query."""
    events = {str(event["_id"]): event for event in log.events}
    for one in differences:
        for name in one.events:
            if name in events:
                return f"{one.side}: {dict(events[name])}\n{query.text}\n{'; '.join(query.verdict.notes)}"
    return f"{differences[0]}\n{query.text}"
