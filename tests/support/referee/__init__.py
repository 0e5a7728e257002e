"""Questions for the referee, and its answers."""
