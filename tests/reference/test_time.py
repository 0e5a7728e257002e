"""The time of an event: which texts and numbers are instants, and which are not."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converter.reference.time import SECOND, TIME_FIELDS, event_time, format_time, parse_time

NOON = 1_709_294_400 * SECOND  # 2024-03-01T12:00:00Z


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2024-03-01T12:00:00Z", NOON),
        ("2024-03-01T12:00:00z", NOON),
        ("2024-03-01T12:00:00", NOON),
        ("2024-03-01 12:00:00", NOON),
        ("2024-03-01 12:00:00 UTC", NOON),
        ("2024-03-01T12:00Z", NOON),
        ("  2024-03-01T12:00:00Z\n", NOON),
        ("2024-03-01T13:30:00+01:30", NOON),
        ("2024-03-01T13:30:00+0130", NOON),
        ("2024-03-01T07:00:00-05", NOON),
        ("2024-03-01 07:00:00 -0500", NOON),
        ("2024-03-01T12:00:00.5Z", NOON + SECOND // 2),
        ("2024-03-01T12:00:00,5Z", NOON + SECOND // 2),
        ("2024-03-01T12:00:00.000000001Z", NOON + 1),
        ("2024-03-01T12:00:00.0000000019Z", NOON + 1),
        ("2024-02-29T00:00:00Z", NOON - 36 * 3600 * SECOND),
        ("2016-12-31T23:59:60Z", 1_483_228_800 * SECOND),
        ("1969-12-31T23:59:59Z", -SECOND),
        ("0001-01-01T00:00:00Z", -62_135_596_800 * SECOND),
        ("9999-12-31T23:59:59.999999999Z", 253_402_300_800 * SECOND - 1),
        (0, 0),
        (1_709_294_400, NOON),
        (1_709_294_400.25, NOON + SECOND // 4),
        (1_709_294_400_000, NOON),
        (1_709_294_400_000.5, NOON + 500_000),
        (1_709_294_400_000_000, NOON),
        (1_709_294_400_000_000_000, NOON),
        (1.7092944e18, NOON),
        ("1709294400", NOON),
        ("1709294400.123456789", NOON + 123_456_789),
        ("1709294400000", NOON),
        ("1709294400000.5", NOON + 500_000),
        (99_999_999_999, 99_999_999_999 * SECOND),
        (100_000_000_000, 100_000_000 * SECOND),
    ],
)
def test_instants(value: object, expected: int) -> None:
    assert parse_time(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        None, True, False, "", " ", "soon", "2024-03-01", "12:00:00", "20240301T120000Z", "2024-13-01T00:00:00Z",
        "2023-02-29T00:00:00Z", "2024-03-01T24:00:00Z", "2024-03-01T12:60:00Z", "2024-03-01T12:00:61Z",
        "2024-03-01T12:00:00+24:00", "2024-03-01T12:00:00+01:60", "2024-03-01T12:00:00 CET", "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "٢٠٢٤-03-01T12:00:00Z", "01/Mar/2024:12:00:00 +0000",
        -1, -0.5, math.nan, math.inf, 10**20, "1" * 21, "1" * 5000, "1e9", "0x5f", [1_709_294_400], {"a": 1},
    ],
)  # fmt: skip
def test_no_instants(value: object) -> None:
    assert parse_time(value) is None


@given(st.datetimes(timezones=st.timezones() | st.just(UTC), allow_imaginary=False))
def test_any_datetime_that_python_writes_is_read(moment: datetime) -> None:
    # The standard library is a judge that shares no code; offsets with seconds are none of ISO 8601.
    offset = moment.utcoffset() or timedelta()
    if offset.total_seconds() % 60:
        return
    try:
        moment = moment.astimezone(timezone(offset))
        moment.astimezone(UTC)
    except OverflowError:
        return
    micros = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert parse_time(moment.isoformat()) == micros * 1000


@given(st.integers(-62_135_596_800 * SECOND, 253_402_300_800 * SECOND - 1))
def test_what_is_written_is_read_again(instant: int) -> None:
    assert parse_time(format_time(instant)) == instant


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        (NOON, "2024-03-01T12:00:00Z"),
        (NOON + 500_000_000, "2024-03-01T12:00:00.5Z"),
        (NOON + 1, "2024-03-01T12:00:00.000000001Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (-62_135_596_800 * SECOND, "0001-01-01T00:00:00Z"),
    ],
)
def test_how_instants_are_written(instant: int, text: str) -> None:
    assert format_time(instant) == text


@pytest.mark.parametrize("path", TIME_FIELDS, ids=".".join)
def test_every_field_of_time_is_found(path: tuple[str, ...]) -> None:
    event: Any = "2024-03-01T12:00:00Z"
    for step in reversed(path):
        event = {step: event}
    assert event_time(event) == NOON


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({}, None),
        ({"@timestamp": None, "_time": 5}, 5 * SECOND),
        ({"@timestamp": "no", "eventTime": "2024-03-01T12:00:00Z"}, NOON),
        ({"@timestamp": 1, "eventTime": 2}, SECOND),
        ({"TimeCreated": {"SystemTime": "2024-03-01T12:00:00Z"}}, None),
        ({"Event": "text"}, None),
        ({"Event": {"System": {"TimeCreated": {"#attributes": {"SystemTime": "2024-03-01T12:00:00Z"}}}}}, NOON),
    ],
)
def test_which_field_is_the_time(event: dict[str, Any], expected: int | None) -> None:
    assert event_time(event) == expected
