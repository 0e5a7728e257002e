"""Generate events from rules: events that match, and events that nearly do."""
