"""Case files: load them, and make their events."""
