"""Which JSON text an event is sent as, and what is said of it beside that."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converter.live.core import LiveError
from converter.live.splunk.events import batches, json_of, texts_of_events
from converter.products.core import get_product
from converter.products.splunk.ingest.json_fields import extract
from converter.readers.log_source import LogSource

generic, cloudtrail = (
    get_product("splunk").view(LogSource("any")),
    get_product("splunk").view(LogSource("aws", None, "cloudtrail")),
)


@pytest.mark.parametrize(
    "raw",
    [
        {"a": None, "b": 1.50, "c": True, "d": [], "e": {}, "f": "", "g": ["x", 1, None]},
        {"a": {"b": [{"c": 1}, {"c": 2, "d": [3]}]}},
        {"a.b": 1, "a": {"b": 2}},
        {"host": {"name": "x"}, "source": [1, 2]},
    ],
)
def test_the_text_of_an_event_is_sent_as_it_is(raw: dict[str, Any]) -> None:
    for of in (generic, cloudtrail):
        event = of({**raw, "_id": "1", "eventTime": "2024-05-01T10:00:00Z"})
        assert json_of(event) == event["_raw"]


def test_a_text_is_made_for_an_event_without_one() -> None:
    event = {"_id": "1", "_time": 1, "a": "x", "b.c": 2, "d{}": ["x", "y"], "e{}.f": "z", "g{}{}": "w", "h": None}
    assert json.loads(json_of(event)) == {
        "a": "x", "b.c": "2", "d": ["x", "y"], "e": [{"f": "z"}], "g": [["w"]],
    }  # fmt: skip


def test_a_text_that_is_not_json_is_replaced_and_words_in_it_cannot_be_looked_for() -> None:
    event = {"_id": "1", "_time": 1, "_raw": "user=anna", "user": "anna"}
    assert json_of(event) == '{"user":"anna"}'
    with pytest.raises(LiveError, match="looks for words in the text of the event 1"):
        texts_of_events([event], (), keywords=True)


def test_fields_that_no_text_has_are_refused() -> None:
    with pytest.raises(LiveError, match="no JSON text has the fields of the event 1: see a"):
        json_of({"_id": "1", "_time": 1, "a": ["x", "y"]})
    with pytest.raises(LiveError, match="no JSON text"):
        json_of({"_id": "1", "_time": 1, "a": {"b": 1}})


def test_what_an_event_says_of_its_source_is_in_a_field_of_another_name() -> None:
    event = generic({"_id": "1", "_time": 1, "a": 1, "host": "h", "index": "i", "source": None})
    assert json.loads(json_of(event)) == {
        "a": 1, "sigma_convert_host": "h", "sigma_convert_index": "i", "sigma_convert_source": None,
    }  # fmt: skip


def test_what_only_the_view_says_of_the_source_is_sent_if_the_search_compares_it() -> None:
    event = cloudtrail({"_id": "1", "_time": 1, "a": 1})
    assert json_of(event) == '{"a":1}'
    assert json_of(event, {"host"}) == '{"a":1}'
    assert json.loads(json_of(event, {"sourcetype"})) == {"a": 1, "sigma_convert_sourcetype": "aws:cloudtrail"}
    with pytest.raises(LiveError, match="looks for words"):
        texts_of_events([event], {"sourcetype"}, keywords=True)


def test_an_event_is_sent_with_its_time_and_the_marks_of_the_run() -> None:
    events = [generic({"_id": "1", "_time": 1714557600.123456, "n": 1}), generic({"_id": "2", "_time": 5, "n": 2})]
    (body,) = batches(events, texts_of_events(events, (), keywords=True), "i", "s")
    marks = {"index": "i", "source": "s", "sourcetype": "_json"}
    assert [json.loads(line) for line in body.split(b"\n")] == [
        {"time": "1714557600.123456", **marks, "fields": {"sigma_convert_id": "1"}, "event": {"n": 1}},
        {"time": "5.000000", **marks, "fields": {"sigma_convert_id": "2"}, "event": {"n": 2}},
    ]


def test_a_log_is_sent_in_batches() -> None:
    events = [generic({"_id": str(number), "_time": number, "text": "x" * 200_000}) for number in range(5)]
    bodies = list(batches(events, texts_of_events(events, (), keywords=False), "i", "s"))
    assert [body.count(b"\n") + 1 for body in bodies] == [2, 2, 1]


def test_half_of_a_surrogate_pair_cannot_be_sent_in_a_text_and_can_be_escaped() -> None:
    escaped = generic({"_id": "1", "_time": 1, "a": "\ud800"})
    half = {"_id": "1", "_time": 1, "_raw": '{"a":"\ud800"}', "a": "\ud800"}
    assert b"\\ud800" in next(batches([escaped], [json_of({**escaped, "_raw": None})], "i", "s"))
    with pytest.raises(LiveError, match="half of a surrogate pair"):
        next(batches([half], [json_of(half)], "i", "s"))


_NAME = st.text("ab.{}", max_size=4)
_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("ab", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAME, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(_NAME | st.sampled_from(["host", "index"]), _VALUE, max_size=4), st.booleans())
def test_a_text_always_has_the_fields_of_the_view(raw: dict[str, Any], with_text: bool) -> None:  # noqa: FBT001
    event = generic({**raw, "_id": "1"})
    if not with_text:
        event["_raw"] = None
    try:
        text = json_of(event)
    except LiveError:
        assert not with_text  # of its own text an event always has the fields
        return
    own = {"host": "sigma_convert_host", "index": "sigma_convert_index"}
    wanted = {own.get(name, name): value for name, value in event.items() if not name.startswith("_")}
    assert extract(json.loads(text)) == wanted
