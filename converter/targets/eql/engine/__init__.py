"""The engine: run EQL on events; knows nothing of Sigma."""
