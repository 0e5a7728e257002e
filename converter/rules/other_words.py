"""Words for parts of a rule in older versions of Sigma and in other languages, with what Sigma has instead.

Each table is from the word, in lower case and with underscores, to the hint of the error about it. The nearest known
word would often be a wrong hint: `ordered_temporal` resembles `temporal` more than `temporal_ordered`.
"""

from __future__ import annotations


def _instead(words: str, right: str) -> dict[str, str]:
    return dict.fromkeys(words.split(), f"did you mean {right!r}?")


OTHER_TYPES: dict[str, str] = {
    **_instead("ordered_temporal ordered temporal_order sequence sequenced temporal_sequence", "temporal_ordered"),
    **_instead("near unordered temporal_unordered", "temporal"),
    **_instead("count events event threshold frequency events_count", "event_count"),
    **_instead("count_distinct distinct_count distinct dc cardinality values_count unique_count", "value_count"),
    **_instead("sum total", "value_sum"),
    **_instead("avg average mean", "value_avg"),
    **_instead("median", "value_median"),
    **_instead("percentile perc", "value_percentile"),
}
"""Types of correlations."""

OTHER_KEYS: dict[str, str] = {
    **_instead("timeframe time_frame timewindow time_window window span maxspan time interval within", "timespan"),
    **_instead("group_by groupby by group grouping groups", "group-by"),
    **_instead("events searches detections", "rules"),
    **_instead("alias field_aliases", "aliases"),
    "ordered": "an order is a type of its own: `type: temporal_ordered`",
    "field": "the field stands in the condition: `condition: {field: user, gte: 25}`",
    **dict.fromkeys(
        ("gte", "gt", "lte", "lt", "eq", "neq"), "an operator stands in the condition: `condition: {gte: 25}`"
    ),
}
"""Keys of the section `correlation`."""

OTHER_OPERATORS: dict[str, str] = {
    **_instead("> greater greater_than above more_than", "gt"),
    **_instead(">= at_least min minimum ge greater_or_equal", "gte"),
    **_instead("< less less_than below", "lt"),
    **_instead("<= at_most max maximum le less_or_equal", "lte"),
    **_instead("= == equal equals count", "eq"),
    **_instead("!= <> ne not_equal", "neq"),
}
"""Operators of a correlation's condition."""

OTHER_MODIFIERS: dict[str, str] = {
    **_instead("regex regexp rex matches match rlike", "re"),
    **_instead("starts start begins beginswith prefix startwith", "startswith"),
    **_instead("ends end suffix endwith", "endswith"),
    **_instead("contain include includes substring has", "contains"),
    **_instead("ne not_equals not_equal", "neq"),
    **_instead("case casesensitive case_sensitive cs exact", "cased"),
    **_instead("ip subnet network cidr4 netmask", "cidr"),
    **_instead("ge", "gte"),
    **_instead("le", "lte"),
    **_instead("placeholder", "expand"),
    **_instead("b64", "base64"),
    **_instead("field ref", "fieldref"),
    "not": "negate it in the condition (`not selection`), or write `neq`",
    **dict.fromkeys(
        ("eq", "equals", "is", "in", "any", "or", "like", "wildcard"),
        "leave it out: a list matches if any of its values does",
    ),
    **dict.fromkeys(("lower", "upper", "nocase", "icase", "caseinsensitive"), "leave it out: case is ignored"),
    "near": "write a correlation rule of type temporal",
}
"""Modifiers of a field."""
