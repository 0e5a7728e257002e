"""The engine: run SPL on events; knows nothing of Sigma."""
