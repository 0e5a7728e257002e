"""Splunk as a live product."""
