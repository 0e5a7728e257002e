"""Products: how each ingests an event, and what it calls and stores its fields as."""
