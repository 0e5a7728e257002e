"""The engine: run Kibana KQL on events; knows nothing of Sigma."""
