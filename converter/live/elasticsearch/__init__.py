"""Elasticsearch as a live product."""
