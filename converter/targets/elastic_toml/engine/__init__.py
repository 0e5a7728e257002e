"""The engine: run a rule file of elastic/detection-rules on events; knows nothing of Sigma."""
