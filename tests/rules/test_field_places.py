"""Every field that a rule names has a place in it."""

from __future__ import annotations

import pytest

from converter.errors import RuleError
from converter.readers.yaml_document import parse_documents
from converter.rules.field_places import field_places

DETECTION = """\
detection:
  one: {A|contains: x, B: [1, 2]}
  two:
    - C|fieldref: D
    - E|fieldref: [F, G]
      New Value: 1
  words: [x, y]
  'three':
    - word
    - H: null
  condition: one and I
"""
CORRELATION = """\
correlation:
  type: value_count
  group-by: [a, b]
  aliases:
    b: {first: c, second: d}
  condition: {gte: 3, field: [e, f]}
"""


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        (DETECTION, {"A": 2, "B": 2, "C": 4, "D": 4, "E": 5, "F": 5, "G": 5, "New Value": 6, "NewValue": 6, "H": 10}),
        (CORRELATION, {"a": 3, "b": 3, "c": 5, "d": 5, "e": 6, "f": 6}),
        ("correlation: {group-by: a, condition: {field: b}}", {"a": 1, "b": 1}),
        ("correlation: [x]", {}),
        ("detection: x", {}),
        ("[x]", {}),
    ],
)
def test_places(text: str, fields: dict[str, int]) -> None:
    (document,) = parse_documents(text.encode(), "rule.yml", RuleError)
    places = field_places(document)
    assert {name: place.line for name, place in places.items()} == fields
    for name, place in places.items():
        assert place.source_line[place.column - 1 :].replace(" ", "").startswith(name.replace(" ", ""))
