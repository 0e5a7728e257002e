"""The table of scalar functions: name to builder, filled by the `functions_*` modules.

Call(name, arguments) + bound arguments ──build──> Bound
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from converter.errors import suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from converter.errors import QueryError
    from converter.readers.source import Span
    from converter.targets.esql.engine.bound import Bound, Context

Builder: TypeAlias = "Callable[[Context, Span, Sequence[Bound]], Bound]"

# Functions of ES|QL that this engine knows by name only, so that an error can tell them from a misspelling.
_KNOWN_ELSEWHERE = frozenset(
    [
        "absent",
        "absent_over_time",
        "acos",
        "asin",
        "atan",
        "atan2",
        "avg_over_time",
        "bit_length",
        "bucket",
        "byte_length",
        "categorize",
        "cbrt",
        "chunk",
        "clamp",
        "cos",
        "cosh",
        "count_over_time",
        "date_parse",
        "day_name",
        "decay",
        "delta",
        "e",
        "embed",
        "exp",
        "first",
        "first_over_time",
        "from_base64",
        "hash",
        "hypot",
        "idelta",
        "increase",
        "irate",
        "knn",
        "kql",
        "last",
        "last_over_time",
        "log",
        "log10",
        "match",
        "match_phrase",
        "max_over_time",
        "md5",
        "median_absolute_deviation",
        "min_over_time",
        "month_name",
        "mv_difference",
        "mv_intersection",
        "mv_intersects",
        "mv_median",
        "mv_median_absolute_deviation",
        "mv_percentile",
        "mv_pseries_weighted_sum",
        "mv_union",
        "mv_zip",
        "network_direction",
        "now",
        "percentile_over_time",
        "pi",
        "present",
        "present_over_time",
        "qstr",
        "rate",
        "repeat",
        "reverse",
        "round_to",
        "sample",
        "scalb",
        "score",
        "sha1",
        "sha256",
        "sin",
        "sinh",
        "space",
        "sparkline",
        "spatial",
        "std_dev",
        "st_centroid_agg",
        "st_contains",
        "st_disjoint",
        "st_distance",
        "st_envelope",
        "st_extent_agg",
        "st_geohash",
        "st_geohex",
        "st_geotile",
        "st_intersects",
        "st_within",
        "st_x",
        "st_y",
        "sum_over_time",
        "tan",
        "tanh",
        "tau",
        "tbucket",
        "term",
        "text_embedding",
        "to_aggregate_metric_double",
        "to_base64",
        "to_cartesianpoint",
        "to_cartesianshape",
        "to_date_nanos",
        "to_dateperiod",
        "to_datetime_nanos",
        "to_degrees",
        "to_dense_vector",
        "to_geohash",
        "to_geohex",
        "to_geopoint",
        "to_geoshape",
        "to_geotile",
        "to_radians",
        "to_timeduration",
        "to_unsigned_long",
        "to_ul",
        "to_ulong",
        "to_ver",
        "to_version",
        "top_snippets",
        "url_decode",
        "url_encode",
        "url_encode_component",
        "v_cosine",
        "values_over_time",
        "variance",
        "weighted_avg",
    ]
)
_WHY_NOT = {
    "kql": "run KQL as a query of its own language",
    "match": "a full-text match depends on how the field is analysed; use ==, LIKE or RLIKE",
    "match_phrase": "a full-text match depends on how the field is analysed; use LIKE or RLIKE",
    "now": "its value depends on the clock; write the moment as text",
    "qstr": "a full-text match depends on how the fields are analysed; use ==, LIKE or RLIKE",
}


@dataclass(frozen=True, slots=True)
class Function:
    """A builder, and how many arguments it takes (`most` None: any number)."""

    build: Builder
    least: int
    most: int | None


FUNCTIONS: dict[str, Function] = {}


def function(*names: str, least: int, most: int | None = -1) -> Callable[[Builder], Builder]:
    """Register a builder under names; `most` defaults to `least`."""

    def register(build: Builder) -> Builder:
        for name in names:
            FUNCTIONS[name] = Function(build, least, least if most == -1 else most)
        return build

    return register


def build_call(context: Context, name: str, span: Span, arguments: Sequence[Bound]) -> Bound:
    """Return a bound call.

    Raises:
        QueryError: no such function here, or a wrong number of arguments.
    """
    known = FUNCTIONS.get(name)
    if known is None:
        raise unknown_function(context, name, span, FUNCTIONS)
    check_count(context, name, span, len(arguments), known.least, known.most)
    return known.build(context, span, arguments)


def unknown_function(context: Context, name: str, span: Span, known: Iterable[str]) -> QueryError:
    """Return the error for a name that is no function here."""
    if name in _KNOWN_ELSEWHERE:
        return context.error(
            f"the function {name.upper()} is not supported by this engine", span, _WHY_NOT.get(name, "")
        )
    return context.error(f"unknown function [{name}]", span, suggest(name, known))


def check_count(context: Context, name: str, span: Span, count: int, least: int, most: int | None) -> None:
    """Raise unless a function may have so many arguments."""
    if least <= count and (most is None or count <= most):
        return
    wanted = str(least) if least == most else f"at least {least}" if most is None else f"{least} to {most}"
    raise context.error(f"{name.upper()} takes {wanted} argument{'s' if wanted != '1' else ''}, not {count}", span)
