"""Every place of a search that a rule can put text into, each with the one function that quotes it.

    field name ──search_field──> x="..." | ──eval_field──> match(x,...) | ──by_field──> stats ... by x
               ──list_field──> fields x | ──is_plain_field──> values(x)
    text       ──search_value──> "..." in `search`        name of a rule ──rule_name──> eval rule="..."

Regular expressions, the only texts that `where` holds, are quoted in `emitter.regex`. What no documentation says how to
quote is refused, or is said where it can be.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from converter.plan import nodes as ir
from converter.targets.core.emission import refused

if TYPE_CHECKING:
    from converter.errors import Place

_SEARCH_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*(\{\}[A-Za-z0-9_.{}]*)?", re.ASCII)
_QUOTED_SEARCH_FIELD = re.compile(r"[A-Za-z0-9_@#][A-Za-z0-9_.{}@#:/ -]*", re.ASCII)
_EVAL_FIELD = re.compile(r"[^\x00-\x1f\x7f'\"`\\$|\[\]]+")
_PLAIN_EVAL_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_PLAIN_LIST_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*", re.ASCII)
_PLAIN_RULE_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_ .:()/-]*[A-Za-z0-9_.)])?", re.ASCII)
_LONGEST_RULE_NAME = 100
_EVAL_WORDS = frozenset({"and", "or", "not", "xor", "like", "in", "true", "false", "null"})
# In `search` these narrow the time, name an index or expand to something else: never a plain comparison.
_SEARCH_WORDS = frozenset(
    """
    earliest latest _index_earliest _index_latest starttime endtime startdaysago enddaysago searchtimespandays
    searchtimespanhours searchtimespanminutes daysago hoursago minutesago monthsago eventtype eventtypetag tag
    savedsearch savedsplunk splunk_server splunk_server_group host hosttag index source sourcetype search timeformat
    relation inputlookup and or not in by as where
    """.split()  # noqa: SIM905  forty lines otherwise
)
# Names of fields count case; published detections have the last two in `search`.
_ALLOWED_IN_SEARCH = frozenset({"sourcetype", "source", "host", "index", "eventType", "EventType"})
SIGNS = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">=", "eq": "=", "neq": "!="}
BY_WORDS = frozenset({"and", "as", "by", "in", "like", "not", "or", "over", "where", "xor"})


def search_field(name: str) -> str | None:
    """Return a field name as `search` takes it, bare or in double quotes; None if it cannot name that field."""
    lower = name.lower()
    if (lower in _SEARCH_WORDS and name not in _ALLOWED_IN_SEARCH) or lower.startswith(("date_", "tag::")):
        return None
    if _SEARCH_FIELD.fullmatch(name):
        return name
    if _QUOTED_SEARCH_FIELD.fullmatch(name) and name == name.strip():
        return f'"{name}"'
    return None


def search_value(pattern: ir.Pattern) -> str:
    """Return a text with wildcards in double quotes, as a value of `search`; a `?` cannot be among them."""
    escaped = "".join(
        "*" if isinstance(part, ir.Wildcard) else part.replace("\\", "\\\\").replace('"', '\\"')
        for part in pattern.parts
    )
    return f'"{escaped}"'


def eval_field(name: str, place: Place | None) -> str:
    """Return a field name for an expression of `where` or `eval`, bare or in single quotes.

    Raises:
        RefusedError: quotes cannot hold it.
    """
    if _PLAIN_EVAL_FIELD.fullmatch(name) and name.lower() not in _EVAL_WORDS:
        return name
    return f"'{_checked(name, place)}'"


def by_field(name: str, place: Place | None) -> str:
    """Return a field name for a `by`; there `*` means every field whose name fits.

    Raises:
        RefusedError: quotes cannot hold it, or it has a `*`.
    """
    if "*" in name:
        raise refused(
            f"the field name {name!r} holds a *, which stands for many fields in a `by`",
            "group-by field with *",
            place,
            "map the field with a pipeline, or convert to esql",
        )
    if _SEARCH_FIELD.fullmatch(name) and "{" not in name and name.lower() not in BY_WORDS:
        return name
    return f'"{_checked(name, place)}"'


def _checked(name: str, place: Place | None) -> str:
    """Return a field name that quotes can hold; how SPL escapes a quote inside a quoted name is not documented."""
    if not _EVAL_FIELD.fullmatch(name) or name != name.strip():
        raise refused(
            f"SPL has no documented way to quote the field name {name!r}",
            "field name",
            place,
            "map the field with a pipeline, or convert to esql",
        )
    return name


def is_plain_field(name: str) -> bool:
    """Return whether a field can stand in a list of fields, or in a statistic, as it is."""
    return _PLAIN_LIST_FIELD.fullmatch(name) is not None and name.lower() not in BY_WORDS


def list_field(name: str) -> str:
    """Return a field for the list of `fields`; with a `*` it stands for more fields, which does no harm there.

    Raises:
        RefusedError: quotes cannot hold the name.
    """
    if is_plain_field(name):
        return name
    eval_field(name, None)  # refuses what quotes cannot hold
    return f'"{name}"'


def rule_name(key: str, number: int) -> str:
    """Return what a row calls a rule: its key, if a quoted text can hold that whatever the escapes, else its number."""
    return key if _PLAIN_RULE_NAME.fullmatch(key) and len(key) <= _LONGEST_RULE_NAME else f"rule {number}"


def number_text(number: float) -> str:
    """Return a number of an expression, without an exponent; a negative one in brackets."""
    text = str(number) if isinstance(number, int) else format(Decimal(repr(number)), "f")
    return f"({text})" if text.startswith("-") else text
