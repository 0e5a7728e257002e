"""Replay of logs: cases, comparison, schedules, verdicts."""
