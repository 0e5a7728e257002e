"""Run queries on a real product, beside the local engines."""
