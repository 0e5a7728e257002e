"""Tests, cut as the package is; what they share is in `support`."""
