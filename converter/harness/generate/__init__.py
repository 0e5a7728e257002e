"""Generate events from rules."""
