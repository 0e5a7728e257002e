"""The functions of ES|QL: scalar functions, and the aggregations of STATS."""
