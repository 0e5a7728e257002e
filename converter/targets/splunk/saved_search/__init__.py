"""Saved searches: files, schedules and what the scheduled runs find."""
