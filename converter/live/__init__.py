"""Run queries on live products, beside the local engines."""
