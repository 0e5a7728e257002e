"""Run every view case: a raw event, a product, and what must stand in the view of it.

Each `tests/products/ingest/*.yml` is a mapping with

    logsource  product/service (or product/category/service) of its events; absent for the generic view
    cases      a list of

        name     what the case shows, in plain words, unique in its file
        product  splunk or elastic; several as a list
        event    the raw event
        expect   field -> value: dotted names go into objects; every one must be there with exactly that value
        absent   list of fields that must not be there
        whole    true: `expect` lists every field
        source   where this behaviour is documented or was read
"""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from converter.errors import ConfigurationError
from converter.products.core import get_product
from converter.products.elastic.ingest.java_strings import hash_order, java_text
from converter.products.event_time import TIME_FIELDS, event_time, iso, parse_time, seconds
from converter.readers.log_source import LogSource

HERE = Path(__file__).parent
_CASE_KEYS = {"name", "product", "event", "expect", "absent", "whole", "source"}


def load() -> list[Any]:
    params: list[Any] = []
    for path in sorted((HERE / "ingest").glob("*.yml")):
        data = yaml.safe_load(path.read_text("utf-8"))
        names = [case["name"] for case in data["cases"]]
        assert len(names) == len(set(names)), f"{path.name}: two cases of one name"
        logsource = LogSource.parse(data["logsource"]) if data.get("logsource") else LogSource()
        for case in data["cases"]:
            assert not set(case) - _CASE_KEYS, f"{path.name}: {case['name']}: unknown key"
            assert case.get("expect") or case.get("absent"), f"{path.name}: {case['name']} expects nothing"
            products = case["product"] if isinstance(case["product"], list) else [case["product"]]
            params.extend(
                pytest.param(case, logsource, product, id=f"{path.stem}: {case['name']} [{product}]")
                for product in products
            )
    return params


def flat(value: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return leaves by dotted name; an empty object is a leaf."""
    found: dict[str, Any] = {}
    for key, item in value.items():
        if isinstance(item, dict) and item:
            found.update(flat(item, f"{prefix}{key}."))
        else:
            found[prefix + key] = item
    return found


def get(value: Any, name: str) -> Any:
    """Return what a dotted name stands for: a literal key first, then objects; KeyError if nothing."""
    if name in value:
        return value[name]
    head, _, rest = name.partition(".")
    while rest:
        if isinstance(value.get(head), dict):
            try:
                return get(value[head], rest)
            except KeyError:
                pass
        step, _, rest = rest.partition(".")
        head = f"{head}.{step}"
    raise KeyError(name)


@pytest.mark.parametrize(("case", "logsource", "product"), load())
def test_view(case: dict[str, Any], logsource: LogSource, product: Any) -> None:
    before = copy.deepcopy(case["event"])
    shown = get_product(product).view(logsource)(case["event"])
    assert case["event"] == before, "the raw event was changed"
    for name, value in (case.get("expect") or {}).items():
        found = get(shown, name)
        assert found == value, name
        assert type(found) is type(value), name
    for name in case.get("absent") or ():
        with pytest.raises(KeyError):
            get(shown, name)
    if case.get("whole"):
        assert flat(shown) == case["expect"]


def test_there_are_enough_cases() -> None:
    assert len(load()) >= 30


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("aws", LogSource("aws")),
        ("aws/cloudtrail", LogSource("aws", None, "cloudtrail")),
        ("windows/process_creation/", LogSource("windows", "process_creation", None)),
        ("windows//security", LogSource("windows", None, "security")),
        ("/process_creation/", LogSource(None, "process_creation", None)),
    ],
)
def test_log_source_is_read_from_text(text: str, expected: LogSource) -> None:
    assert LogSource.parse(text) == expected


@pytest.mark.parametrize("text", ["", "/", "a/b/c/d"])
def test_text_that_is_no_log_source(text: str) -> None:
    with pytest.raises(ValueError, match="not a log source"):
        LogSource.parse(text)


def test_unknown_product() -> None:
    with pytest.raises(ConfigurationError, match="there is no product 'sentinel'"):
        get_product("sentinel")


NOON = 1_714_564_800_000_000  # 2024-05-01T12:00:00Z


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2024-05-01T12:00:00Z", NOON),
        ("2024-05-01T12:00:00", NOON),
        ("2024-05-01 12:00:00", NOON),
        ("  2024-05-01T12:00:00Z ", NOON),
        ("2024-05-01T14:00:00+02:00", NOON),
        ("2024-05-01T06:30:00-0530", NOON),
        ("2024-05-01T12:00:00.25Z", NOON + 250_000),
        ("2024-05-01T12:00:00.123456789Z", NOON + 123_456),
        ("2024-05-01 12:00:00.589", NOON + 589_000),
        (1_714_564_800, NOON),
        (1_714_564_800.5, NOON + 500_000),
        (1_714_564_800_250, NOON + 250_000),
        (1_714_564_800_000_001, NOON + 1),
        (1_714_564_800_000_001_999, NOON + 1),
        ("1714564800", NOON),
        ("1714564800.123456", NOON + 123_456),
        ("1714564800.1234567", NOON + 123_456),
        (0, 0),
        ("-1", -1_000_000),
        ("-1.5", -1_500_000),
        ("1969-12-31T23:59:59Z", -1_000_000),
    ],
)
def test_time_is_read(value: object, expected: int) -> None:
    assert parse_time(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        "",
        "-",
        "yesterday",
        "2024-05-01",
        "2024-13-01T00:00:00Z",
        "2024-05-01T25:00:00Z",
        "20131102T010628Z",
        "1e9",
        "12.3.4",
        "٣",
        True,
        None,
        [1_714_564_800],
        {},
        math.nan,
        math.inf,
        1e30,
        -1e30,
        10**400,
        "9" * 5000,
    ],
)
def test_value_that_is_no_time(value: object) -> None:
    assert parse_time(value) is None


@given(st.integers(min_value=-(10**16), max_value=10**17))
def test_a_time_survives_the_way_to_elastic_and_back(micros: int) -> None:
    assert parse_time(iso(micros)) == micros


@given(st.integers(min_value=0, max_value=4 * 10**15))
def test_a_time_survives_the_way_to_splunk_and_back(micros: int) -> None:
    assert parse_time(seconds(micros)) == micros or micros < 10**6


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text() | st.integers(), st.lists, max_leaves=5))
def test_no_value_makes_reading_a_time_fail(value: object) -> None:
    found = parse_time(value)
    assert found is None or iso(found)


@pytest.mark.parametrize("name", TIME_FIELDS)
def test_each_time_field_is_found_nested_and_as_a_dotted_key(name: str) -> None:
    assert event_time({name: "2024-05-01T12:00:00Z"}) == NOON
    nested: Any = "2024-05-01T12:00:00Z"
    for key in reversed(name.split(".")):
        nested = {key: nested}
    assert event_time(nested) == NOON


def test_an_unusable_time_is_passed_over() -> None:
    assert event_time({"eventTime": "n/a", "@timestamp": "", "timestamp": "2024-05-01T12:00:00Z"}) == NOON
    assert event_time({"eventTime": None, "Event": "text", "System": []}) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"b": 1, "a": 2}, "{a=2, b=1}"),  # one-letter keys: their character codes are their buckets
        ({"a": [1, "x", None, True]}, "{a=[1, x, null, true]}"),
        ({"a": {"b": {}}}, "{a={b={}}}"),
        ({}, "{}"),
        ({"Aa": 1, "BB": 2}, "{Aa=1, BB=2}"),  # the two have one hash code: they stay in order of arrival
        ({"BB": 2, "Aa": 1}, "{BB=2, Aa=1}"),
    ],
)
def test_java_writes_an_object(value: object, expected: str) -> None:
    assert java_text(value) == expected


def test_a_hash_table_grows_and_its_order_with_it() -> None:
    # Codes 65 to 77 modulo 16 wrap at P (80); with 13 keys the table has 32 buckets and code order is kept.
    keys = ["N", "O", "P", "Q"]
    assert hash_order(dict.fromkeys(keys)) == ["P", "Q", "N", "O"]
    more = dict.fromkeys([*keys, "A", "B", "C", "D", "E", "F", "G", "H", "I"])
    assert hash_order(more) == sorted(more)


_ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_TOP_LEVEL = [
    "_id",
    "_raw",
    "eventTime",
    "eventName",
    "eventSource",
    "userIdentity",
    "sourceIPAddress",
    "errorCode",
    "requestParameters",
    "responseElements",
    "additionalEventData",
    "resources",
    "tlsDetails",
    "userAgent",
    "managementEvent",
    "recipientAccountId",
    "a.b",
    "a",
]
_IDENTITY = st.dictionaries(
    st.sampled_from(["type", "arn", "userName", "principalId", "accountId", "sessionContext", "onBehalfOf"]),
    _ANY_JSON | st.sampled_from(["AssumedRole", "IdentityCenterUser", "arn:aws:sts::1:assumed-role/r/s@x"]),
)
_NAMES = st.sampled_from(["ConsoleLogin", "UserAuthentication"])


@given(st.dictionaries(st.sampled_from(_TOP_LEVEL), _ANY_JSON), _IDENTITY, _NAMES)
def test_no_event_makes_a_view_fail(event: dict[str, Any], identity: dict[str, Any], name: str) -> None:
    for given_event in (event, event | {"userIdentity": identity, "eventName": name}):
        before = copy.deepcopy(given_event)
        for logsource in (LogSource("aws", None, "cloudtrail"), LogSource()):
            shown = get_product("splunk").view(logsource)(given_event)
            assert all(
                isinstance(value, str) or key in {"_time", "_id"} or (isinstance(value, list) and len(value) > 1)
                for key, value in shown.items()
            )
            assert get_product("elastic").view(logsource)(given_event) is not given_event
        assert given_event == before


def test_deep_nesting_does_not_exhaust_the_stack() -> None:
    deep: Any = "x"
    for _ in range(700):
        deep = {"a": [deep]}
    for logsource in (LogSource("aws", None, "cloudtrail"), LogSource()):
        for product in ("splunk", "elastic"):
            assert get_product(product).view(logsource)(
                {"requestParameters": deep, "eventTime": "2024-05-01T12:00:00Z"}
            )
