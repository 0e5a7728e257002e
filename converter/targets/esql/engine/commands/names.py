"""Every command that ES|QL has, by its first word, whether this engine runs it or not.

Source: elastic/elasticsearch, `x-pack/plugin/esql/src/main/antlr/lexer/*.g4` (those in development included), and
`elasticsearch/docs/reference/query-languages/esql/_snippets/lists/{source,processing}-commands.md`.
"""

from __future__ import annotations

COMMANDS = {
    "change_point": "CHANGE_POINT",
    "completion": "COMPLETION",
    "dissect": "DISSECT",
    "drop": "DROP",
    "enrich": "ENRICH",
    "eval": "EVAL",
    "explain": "EXPLAIN",
    "external": "EXTERNAL",
    "fork": "FORK",
    "from": "FROM",
    "full": "FULL JOIN",
    "fuse": "FUSE",
    "grok": "GROK",
    "inline": "INLINE STATS",
    "inlinestats": "INLINESTATS (its name is INLINE STATS now)",
    "insist_🐔": "INSIST",
    "keep": "KEEP",
    "left": "LEFT JOIN",
    "limit": "LIMIT",
    "lookup": "LOOKUP JOIN",
    "lookup_🐔": "LOOKUP",
    "meta": "META",
    "metrics": "METRICS",
    "metrics_info": "METRICS_INFO",
    "mmr": "MMR",
    "mv_expand": "MV_EXPAND",
    "promql": "PROMQL",
    "registered_domain": "REGISTERED_DOMAIN",
    "rename": "RENAME",
    "rerank": "RERANK",
    "right": "RIGHT JOIN",
    "row": "ROW",
    "sample": "SAMPLE",
    "set": "SET",
    "show": "SHOW",
    "sort": "SORT",
    "stats": "STATS",
    "ts": "TS",
    "ts_info": "TS_INFO",
    "uri_parts": "URI_PARTS",
    "user_agent": "USER_AGENT",
    "where": "WHERE",
}
