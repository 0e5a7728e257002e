"""Formats of events, one module a family; each says what it recognises in `RECOGNISERS`."""
