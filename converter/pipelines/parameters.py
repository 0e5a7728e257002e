"""What each kind of item of a pipeline may hold: the kinds that are data, their parameters, and what those must be.

A kind that is not in these tables is refused, so that a new one of a later pySigma has to be looked at first. What runs
code, reads a file or opens a connection is in `UNTRUSTED`, and needs the user's trust.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.readers.schema import (
    ANYTHING,
    FILLED,
    FLAG,
    MAPPING,
    NULL,
    STRING,
    STRINGS,
    Either,
    Entries,
    Keys,
    Scalar,
    list_of,
    matching,
    one_of,
    string,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from converter.readers.schema import Shape

SCALAR = Scalar("a string, a number, true or false", lambda value: isinstance(value, str | int | float))
_NUMBER_OR_STRING = Scalar(
    "a string or a number", lambda value: isinstance(value, str | int | float) and not isinstance(value, bool)
)
_SCALAR_OR_NULL = Either((NULL, SCALAR), "write one value")
_STRING_OR_NULL = Either((NULL, STRING), "put quotes around it, if it is text")
# Names of fields; null stands for keywords.
_FIELD = Scalar("a string", lambda key: key is None or isinstance(key, str))
_NAMES = Either((FILLED, list_of(FILLED, "names")), "for example user.name, or [user, src_user]")
_COMPARISONS = ("eq", "ne", "gte", "gt", "lte", "lt")
_INDENT = Either((NULL, whole(0, 16)), "how many spaces")
_PLACEHOLDERS: Mapping[str, Shape] = {"include": STRINGS, "exclude": STRINGS}
_LOGSOURCE: Mapping[str, Shape] = {"category": STRING, "product": STRING, "service": STRING}
_SOURCE: Mapping[str, Shape] = {
    **_PLACEHOLDERS,
    "format": one_of("plaintext", "csv", "json", "yaml"),
    "filter": _STRING_OR_NULL,
    "csv_column": Either((NULL, Scalar("a name or a number", lambda value: type(value) in {str, int}))),
    "csv_has_header": FLAG,
    "jq_expression": _STRING_OR_NULL,
}
_TEMPLATE: Mapping[str, Shape] = {"template": STRING, "path": _STRING_OR_NULL, "autoescape": FLAG}
_VARS: Mapping[str, Shape] = {"vars": _STRING_OR_NULL}
# Items inside an item are checked one by one.
ITEMS = list_of(ANYTHING, "items", hint="begin each item with a hyphen")


def _keys(known: Mapping[str, Shape], **required: str) -> Keys:
    return Keys(known, required=required)


TRANSFORMATIONS: Mapping[str, Keys] = {
    "field_name_mapping": _keys({"mapping": Entries(_NAMES, _FIELD)}, mapping="mapping: {User: user.name}"),
    "field_name_prefix_mapping": _keys({"mapping": Entries(_NAMES, STRING)}, mapping="mapping: {win.: winlog.}"),
    "drop_detection_item": _keys({}),
    "hashes_fields": _keys(
        {
            "valid_hash_algos": STRINGS,
            "field_prefix": STRING,
            "drop_algo_prefix": FLAG,
            "field_to_parse": STRINGS,
        },
        valid_hash_algos="valid_hash_algos: [MD5, SHA256]",
    ),
    "extract_fields": _keys(
        {"regex": STRING, "field_prefix": _STRING_OR_NULL, "preserve_unmatched": FLAG}, regex="regex: (?P<name>.*)"
    ),
    "field_name_suffix": _keys({"suffix": STRING}, suffix="suffix: .text"),
    "field_name_prefix": _keys({"prefix": STRING}, prefix="prefix: win."),
    "wildcard_placeholders": _keys(_PLACEHOLDERS),
    "value_placeholders": _keys(_PLACEHOLDERS),
    "query_expression_placeholders": _keys(
        {**_PLACEHOLDERS, "expression": STRING, "mapping": Entries(STRING, STRING)},
        expression="expression: '{field} IN list({id})'",
    ),
    "add_condition": _keys(
        {
            "conditions": Entries(
                Either((NULL, SCALAR, list_of(_SCALAR_OR_NULL, "values")), "a value, or a list of them"),
                STRING,
                least=1,
            ),
            "name": matching(r"\w[\w-]*", "a name: letters, digits, _ and -"),
            "template": FLAG,
            "negated": FLAG,
        },
        conditions="conditions: {index: windows}",
    ),
    "change_logsource": Keys(_LOGSOURCE),
    "add_field": _keys({"field": _NAMES}, field="field: User"),
    "remove_field": _keys({"field": _NAMES}, field="field: User"),
    "set_field": _keys({"fields": list_of(FILLED, "names")}, fields="fields: [User]"),
    "replace_string": _keys(
        {"regex": STRING, "replacement": STRING, "skip_special": FLAG, "interpret_special": FLAG},
        regex="regex: ^C",
        replacement="replacement: D",
    ),
    "map_string": _keys(
        {"mapping": Entries(Either((STRING, STRINGS), "put quotes around it, if it is text"), STRING)},
        mapping="mapping: {old: new}",
    ),
    "set_state": _keys({"key": FILLED, "val": ANYTHING}, key="key: index", val="val: windows"),
    "regex": _keys({"method": one_of("plain", "ignore_case_flag", "ignore_case_brackets")}),
    "set_value": _keys(
        {"value": _SCALAR_OR_NULL, "force_type": Either((NULL, one_of("str", "num")))}, value="value: 1"
    ),
    "convert_type": _keys({"target_type": one_of("str", "num")}, target_type="target_type: str"),
    "rule_failure": _keys({"message": STRING}, message="message: why the rule is refused"),
    "detection_item_failure": _keys({"message": STRING}, message="message: why the rule is refused"),
    "strict_field_mapping_failure": _keys({}),
    "set_custom_attribute": _keys({"attribute": FILLED, "value": ANYTHING}, attribute="attribute: x", value="value: 1"),
    "nest": _keys({"items": ITEMS}, items="items: a list of transformations"),
    "case": _keys({"method": one_of("lower", "upper", "snake_case")}),
    "file_placeholders": _keys({**_SOURCE, "path": FILLED}, path="path: a file"),
    "http_placeholders": _keys(
        {
            **_SOURCE,
            "url": FILLED,
            "method": STRING,
            "timeout": whole(1),
            "headers": Either((NULL, Entries(STRING, STRING))),
            "params": Either((NULL, Entries(STRING, STRING))),
            "form_data": Either((NULL, MAPPING)),
            "json_body": Either((NULL, MAPPING)),
            "max_body_size": whole(1),
        },
        url="url: https://...",
    ),
    "command_placeholders": _keys(
        {**_SOURCE, "cmd": Either((FILLED, STRINGS)), "timeout": whole(1), "max_stdout": whole(1)}, cmd="cmd: a command"
    ),
}
POSTPROCESSING: Mapping[str, Keys] = {
    "embed": _keys({"prefix": STRING, "suffix": STRING}),
    "simple_template": _keys({"template": STRING}, template="template: '{query}'"),
    "template": _keys({**_TEMPLATE, **_VARS}, template="template: '{{ query }}'"),
    "json": _keys({"json_template": STRING}, json_template="""json_template: '{"query": "%QUERY%"}'"""),
    "replace": _keys({"pattern": STRING, "replacement": STRING}, pattern="pattern: a", replacement="replacement: b"),
    "nest": _keys({"items": ITEMS}, items="items: a list of postprocessing items"),
}
FINALIZERS: Mapping[str, Keys] = {
    "concat": _keys({"separator": STRING, "prefix": STRING, "suffix": STRING}),
    "json": _keys({"indent": _INDENT}),
    "yaml": _keys({"indent": _INDENT}),
    "template": _keys({**_TEMPLATE, **_VARS}, template="template: '{{ queries | join }}'"),
    "nested": _keys({"finalizers": ITEMS}, finalizers="finalizers: a list of finalizers"),
}
# What runs code, reads files or opens connections; and what it does, for the error.
UNTRUSTED: Mapping[str, str] = {
    "command_placeholders": "runs a command",
    "file_placeholders": "reads a file",
    "http_placeholders": "opens a connection",
}
NEEDS_FUNCTION = "field_name_transform"

_STATE: Mapping[str, Shape] = {"key": FILLED, "val": SCALAR, "op": one_of(*_COMPARISONS)}
_APPLIED = _keys({"processing_item_id": FILLED}, processing_item_id="processing_item_id: the id of an item")
_PROCESSING_STATE = _keys(_STATE, key="key: index", val="val: windows")
_VALUES: Mapping[str, Shape] = {"cond": one_of("any", "all")}
_FIELDS = _keys({"fields": STRINGS, "mode": one_of("plain", "re")}, fields="fields: [User]")
RULE_CONDITIONS: Mapping[str, Keys] = {
    "logsource": Keys(_LOGSOURCE),
    "contains_detection_item": _keys(
        {"field": _STRING_OR_NULL, "value": SCALAR}, field="field: User", value="value: ann"
    ),
    "contains_field": _keys({"field": _STRING_OR_NULL}, field="field: User"),
    "processing_item_applied": _APPLIED,
    "processing_state": _PROCESSING_STATE,
    "is_sigma_rule": _keys({}),
    "is_sigma_correlation_rule": _keys({}),
    "rule_attribute": _keys(
        {
            "attribute": matching("[A-Za-z][A-Za-z0-9_-]*", "the name of an attribute"),
            "value": _NUMBER_OR_STRING,
            "op": one_of(*_COMPARISONS, "in", "not_in"),
        },
        attribute="attribute: level",
        value="value: high",
    ),
    "tag": _keys(
        {"tag": matching(r"[^.]+\..+", "a tag with a namespace", "tag: attack.t1059")}, tag="tag: attack.t1059"
    ),
}
DETECTION_ITEM_CONDITIONS: Mapping[str, Keys] = {
    "match_string": _keys({**_VALUES, "pattern": STRING, "negate": FLAG}, cond="cond: any", pattern="pattern: ^C"),
    "match_value": _keys({**_VALUES, "value": SCALAR}, cond="cond: any", value="value: ann"),
    "contains_wildcard": _keys(_VALUES, cond="cond: any"),
    "is_null": _keys(_VALUES, cond="cond: any"),
    "processing_item_applied": _APPLIED,
    "processing_state": _PROCESSING_STATE,
}
FIELD_NAME_CONDITIONS: Mapping[str, Keys] = {
    "include_fields": _FIELDS,
    "exclude_fields": _FIELDS,
    "processing_item_applied": _APPLIED,
    "processing_state": _PROCESSING_STATE,
}
# The prefix of the keys with which an item has conditions, and the kinds of those conditions.
CONDITIONS: Mapping[str, Mapping[str, Keys]] = {
    "rule": RULE_CONDITIONS,
    "detection_item": DETECTION_ITEM_CONDITIONS,
    "field_name": FIELD_NAME_CONDITIONS,
}
_LISTED = Either(
    (list_of(MAPPING, "conditions", hint="begin each condition with a hyphen"), Entries(MAPPING, FILLED)),
    "a list of conditions, or a mapping of named ones",
)


def condition_keys(prefix: str) -> Mapping[str, Shape]:
    """Return the keys with which an item has conditions of a kind: `rule`, `detection_item` or `field_name`."""
    return {
        f"{prefix}_conditions": _LISTED,
        f"{prefix}_cond_expr": FILLED,
        f"{prefix}_cond_op": one_of("and", "or"),
        f"{prefix}_cond_not": FLAG,
    }


_ITEM: Mapping[str, Shape] = {"id": FILLED, "type": FILLED}
# The keys that every item of a section may have beside the parameters of its kind; finalizers have no conditions.
COMMON: Mapping[str, Mapping[str, Shape]] = {
    "transformations": {
        **_ITEM,
        **condition_keys("rule"),
        **condition_keys("detection_item"),
        **condition_keys("field_name"),
    },
    "postprocessing": {**_ITEM, **condition_keys("rule")},
    "finalizers": {"type": FILLED},
}
KINDS: Mapping[str, Mapping[str, Keys]] = {
    "transformations": TRANSFORMATIONS,
    "postprocessing": POSTPROCESSING,
    "finalizers": FINALIZERS,
}
_PRIORITY = Scalar("a whole number", lambda value: type(value) is int)
PIPELINE: Mapping[str, Shape] = {
    **dict.fromkeys(KINDS, ITEMS),
    "name": Either((NULL, STRING)),
    "priority": _PRIORITY,
    "vars": Entries(ANYTHING, string()),
    "allowed_backends": STRINGS,
}
_ONLY_USER = "a file cannot trust itself: give --trust-pipelines on the command line"
ONLY_USER: Mapping[str, str] = dict.fromkeys(
    (
        *("allow_template_vars", "vars_allowed_paths", "allow_external_sources", "restrict_template_path", "policy"),
        *("trust", "trust_pipelines"),
    ),
    _ONLY_USER,
)
