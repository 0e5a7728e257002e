"""Every function that ES|QL has, whether this engine runs it or not, so that an error can tell one from a misspelling.

Source: elastic/elasticsearch, class `EsqlFunctionRegistry` (9.2, with the aliases and those of a snapshot), and
`elasticsearch/docs/reference/query-languages/esql/_snippets/lists/*.md` (up to 9.6).
"""

from __future__ import annotations

_SCALARS = """
    abs acos acosh asin asinh atan atan2 atanh cbrt ceil copy_sign cos cosh e exp floor hypot log log10 pi pow round
    round_to scalb signum sin sinh sqrt tan tanh tau
    bit_length byte_length chunk concat contains ends_with field_extract hash json_extract left length locate ltrim md5
    repeat replace reverse right rtrim sha1 sha256 space split starts_with substring to_ascii to_lower to_upper trim
    url_decode url_encode url_encode_component
    date_diff date_extract date_format date_parse date_trunc date_unit_count day day_name days_in_month hour month
    month_name now range_contains range_intersects range_max range_min range_within trange year
    st_contains st_disjoint st_distance st_envelope st_geohash st_geohash_to_geoshape st_geohash_to_long
    st_geohash_to_string st_geohex st_geohex_to_geoshape st_geohex_to_long st_geohex_to_string st_geotile
    st_geotile_to_geoshape st_geotile_to_long st_geotile_to_string st_intersects st_within st_x st_xmax st_xmin st_y
    st_ymax st_ymin
    case clamp clamp_max clamp_min coalesce greatest least
    cidr_match ip_prefix network_direction
    from_base64 to_aggregate_metric_double to_aggregatemetricdouble to_base64 to_bool to_boolean to_cartesianpoint
    to_cartesianshape to_counter to_date_nanos to_date_range to_datenanos to_dateperiod to_datetime to_dbl to_degrees
    to_dense_vector to_double to_dt to_exponential_histogram to_gauge to_geohash to_geohex to_geopoint to_geoshape
    to_geotile to_int to_integer to_ip to_long to_radians to_range to_str to_string to_tdigest to_timeduration to_ul
    to_ulong to_unsigned_long to_ver to_version
    mv_append mv_avg mv_concat mv_contains mv_count mv_dedupe mv_difference mv_first mv_intersection mv_intersects
    mv_last mv_max mv_median mv_median_absolute_deviation mv_min mv_percentile mv_pseries_weighted_sum mv_slice mv_sort
    mv_sum mv_union mv_zip
    decay kql match match_phrase multi_match qstr score term top_snippets
    embedding knn text_embedding v_cosine v_dot_product v_hamming v_l1_norm v_l2_norm v_magnitude
    bin bucket categorize tbucket without
"""

_AGGREGATIONS = """
    absent all_first all_last avg count count_distinct earliest first last latest max median median_absolute_deviation
    min percentile present sample sparkline st_centroid_agg st_extent_agg std_dev sum top values variance weighted_avg
    absent_over_time avg_over_time count_distinct_over_time count_over_time delta deriv first_over_time idelta increase
    irate last_over_time max_over_time min_over_time percentile_over_time present_over_time rate stddev_over_time
    sum_over_time variance_over_time
"""

SCALARS = frozenset(_SCALARS.split())
AGGREGATIONS = frozenset(_AGGREGATIONS.split())
WHY_NOT = {
    "kql": "run KQL as a query of its own language",
    "match": "a full-text match depends on how the field is analysed; use ==, LIKE or RLIKE",
    "match_phrase": "a full-text match depends on how the field is analysed; use LIKE or RLIKE",
    "multi_match": "a full-text match depends on how the fields are analysed; use ==, LIKE or RLIKE",
    "now": "its value depends on the clock; write the moment as text",
    "qstr": "a full-text match depends on how the fields are analysed; use ==, LIKE or RLIKE",
}
