"""Warn about parts of a rule that are valid, but probably not what the author meant.

    documents (without errors) ──warnings_of──> RuleWarning: a code, a message, its place, a hint

`lint/detection.py` checks the section `detection`, `lint/correlation.py` the limits of a correlation, and
`lint/validators.py` adds the issues of pySigma's validators.
Warnings about references and filters are in `Rules.warnings`.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from converter.errors import RuleWarning, suggest
from converter.isolation import isolated
from converter.lint.correlation import correlation_warnings
from converter.lint.detection import detection_warnings
from converter.plan.attack import editions, knows_tag, tactics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from converter.errors import Place, SourceError
    from converter.readers.yaml_document import Document

KEYS = (
    "title", "id", "name", "related", "taxonomy", "status", "description", "license", "author", "references", "date",
    "modified", "logsource", "detection", "correlation", "filter", "fields", "falsepositives", "level", "tags", "scope",
)  # fmt: skip
LOGSOURCE_KEYS = ("product", "category", "service", "definition")
# Names in Sigma's taxonomy. Other names are allowed, unless they are nearly one of these.
PRODUCTS = (
    "aws", "azure", "bitbucket", "cisco", "django", "fortigate", "gcp", "github", "huawei", "jvm", "kubernetes",
    "linux", "m365", "macos", "nodejs", "okta", "onelogin", "opencanary", "paloalto", "qualys", "rpc_firewall",
    "ruby_on_rails", "spring", "sql", "velocity", "windows", "zeek",
)  # fmt: skip
CATEGORIES = (
    "antivirus", "application", "clipboard_change", "create_remote_thread", "create_stream_hash", "database", "dns",
    "dns_query", "driver_load", "file_access", "file_block_executable", "file_change", "file_delete", "file_event",
    "file_executable_detected", "file_rename", "firewall", "image_load", "network_connection", "pipe_created",
    "process_access", "process_creation", "process_tampering", "process_termination", "proxy", "ps_classic_start",
    "ps_module", "ps_script", "raw_access_thread", "registry_add", "registry_delete", "registry_event",
    "registry_rename", "registry_set", "sysmon_error", "sysmon_status", "webserver", "wmi_event",
)  # fmt: skip
SERVICES = (
    "activitylogs", "application", "applocker", "audit", "auditd", "auditlogs", "auth", "bits-client", "cloudtrail",
    "clamav", "cron", "dns-server", "guacamole", "kubernetes", "msexchange-management", "ntlm", "openssh", "powershell",
    "powershell-classic", "security", "signinlogs", "smbclient-security", "sshd", "sudo", "syslog", "sysmon", "system",
    "taskscheduler", "threat_management", "windefend", "wmi",
)  # fmt: skip
_NAMES = {"product": PRODUCTS, "category": CATEGORIES, "service": SERVICES}
NAMESPACES = ("attack", "car", "cve", "d3fend", "detection", "stp", "tlp")
# pySigma's issues about tags for which our own warnings say more.
_OUR_OWN_SAY_MORE = frozenset({"pysigma/invalid-tag-format", "pysigma/invalid-namespace-tag"})
_NEAR = 0.75
_VERY_NEAR = 0.85
_TECHNIQUE = re.compile(r"t\d{4}(\.\d{3})?")
_DATE_WITH_SLASHES = re.compile(r"\d+/\d+/\d+")


def warnings_of(
    documents: Iterable[Document],
    upstream: Callable[[Document], Any],
    fail: Callable[[SourceError], None],
    known: Iterable[RuleWarning] = (),
) -> list[RuleWarning]:
    """Return the warnings about each rule without errors: our own, and those of pySigma's validators.

    Args:
        documents: the rules.
        upstream: returns a rule as pySigma itself reads it, or raises RefusedError.
        fail: called with the error of a rule whose warnings could not be found, because of a bug.
        known: warnings that are reported anyway.
    """
    from converter.lint.validators import pysigma_warnings  # noqa: PLC0415  slow to import

    rules = list(documents)
    warnings: list[RuleWarning] = []
    for document in rules:
        with isolated(fail, document.place(), "warning of the rule"):
            warnings.extend(_warnings(document))
    places = {warning.place for warning in warnings}
    escapes = {_line(warning) for warning in known if warning.code == "double-quotes"}
    warnings += [
        warning
        for warning in pysigma_warnings(rules, upstream, fail)
        if warning.place not in places or warning.code not in _OUR_OWN_SAY_MORE
        if warning.code != "pysigma/control-character" or _line(warning) not in escapes
    ]
    return warnings


def _line(warning: RuleWarning) -> tuple[str, int] | None:
    return (warning.place.name, warning.place.line) if warning.place is not None else None


def _warnings(document: Document) -> Iterator[RuleWarning]:
    yield from _keys(document)
    yield from _logsource(document)
    yield from _dates(document)
    yield from _tags(document)
    if isinstance(document.data.get("detection"), dict):
        yield from detection_warnings(document)
    yield from _references(document)
    if isinstance(document.data.get("correlation"), dict):
        yield from correlation_warnings(document)


def _keys(document: Document) -> Iterator[RuleWarning]:
    for key in document.data:
        if key not in KEYS:
            near = _near(str(key), [known for known in KEYS if known not in document.data], _NEAR)
            if near:
                place = document.place(str(key), key=True)
                yield RuleWarning(f"Sigma has no key {key!r}", "unknown-key", place, f"did you mean {near!r}?")


def _logsource(document: Document) -> Iterator[RuleWarning]:
    logsource = document.data.get("logsource")
    for key, value in logsource.items() if isinstance(logsource, dict) else ():
        if key not in LOGSOURCE_KEYS:
            yield RuleWarning(
                f"a log source has no key {key!r}",
                "unknown-logsource-key",
                document.place("logsource", str(key), key=True),
                suggest(str(key), LOGSOURCE_KEYS) or f"known: {', '.join(LOGSOURCE_KEYS)}",
            )
        elif key in _NAMES and isinstance(value, str) and value not in _NAMES[key]:
            near = _near(value.lower(), _NAMES[key])
            if near:
                yield RuleWarning(
                    f"the {key} {value!r} is not in Sigma's taxonomy",
                    "unknown-logsource",
                    document.place("logsource", key),
                    f"did you mean {near!r}?",
                )


def _dates(document: Document) -> Iterator[RuleWarning]:
    for key in ("date", "modified"):
        if _DATE_WITH_SLASHES.fullmatch(str(document.data.get(key))):
            yield RuleWarning(
                "dates with slashes are from version 1 of Sigma",
                "old-date",
                document.place(key),
                f"write {_iso(document.data[key])}",
            )
    made, changed = (_iso(document.data.get(key)) for key in ("date", "modified"))
    if made and changed and changed < made:
        place = document.place("modified")
        yield RuleWarning("`modified` is earlier than `date`", "dates-turned-around", place, f"date is {made}")


def _iso(value: Any) -> str:
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    parts = re.split(r"[-/]", value) if isinstance(value, str) else ()
    return "-".join(part.zfill(2) for part in parts)


def _tags(document: Document) -> Iterator[RuleWarning]:
    for index, tag in enumerate(document.data.get("tags") or ()):
        namespace, _, name = tag.partition(".")
        place = document.place("tags", index)
        if tag != tag.lower():
            yield RuleWarning(f"the tag {tag!r} is not in lower case", "tag-case", place, f"write {tag.lower()}")
        elif namespace not in NAMESPACES:
            near = _near(namespace, NAMESPACES)
            if near:
                hint = f"did you mean {near + '.' + name!r}?"
                yield RuleWarning(f"the namespace {namespace!r} is not known", "unknown-namespace", place, hint)
        elif namespace == "attack":
            yield from _attack(name, place)


def _attack(name: str, place: Place) -> Iterator[RuleWarning]:
    """Yield a warning about a tag of ATT&CK. An unknown tactic gets none, because it may be new."""
    if knows_tag(name):
        return
    code = "unknown-attack-tag"
    hyphenated = name.replace("_", "-")
    if knows_tag(hyphenated):
        yield RuleWarning(
            f"the tactic {name!r} must be written with hyphens", code, place, f"write attack.{hyphenated}"
        )
    elif _TECHNIQUE.fullmatch(name):
        message = f"ATT&CK {editions()} (Enterprise) has no technique {name!r}"
        yield RuleWarning(message, code, place, f"see https://attack.mitre.org/techniques/{name.upper()}")
    elif near := _near(hyphenated, tactics()):
        yield RuleWarning(f"ATT&CK {editions()} has no tactic {name!r}", code, place, f"did you mean attack.{near}?")


def _references(document: Document) -> Iterator[RuleWarning]:
    correlation = document.data.get("correlation")
    rules = correlation.get("rules") if isinstance(correlation, dict) else None
    if not isinstance(rules, list):
        return
    for index, name in enumerate(rules):
        if name in rules[:index]:
            place = document.place("correlation", "rules", index)
            yield RuleWarning(f"the rule {name!r} is named twice", "duplicate-reference", place, "drop one")


def _near(word: str, known: Sequence[str], cutoff: float = _VERY_NEAR) -> str:
    """Return the known word that this one most probably stands for, or an empty string."""
    return next(iter(get_close_matches(word, known, n=1, cutoff=cutoff)), "")
