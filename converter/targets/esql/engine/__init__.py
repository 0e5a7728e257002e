"""The engine: run ES|QL on events; knows nothing of Sigma."""
