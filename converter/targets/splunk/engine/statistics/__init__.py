"""The statistics of `stats` and its kin."""
