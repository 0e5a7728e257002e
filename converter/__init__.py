"""sigma-convert: one Sigma rule, every SIEM, the same alerts."""
