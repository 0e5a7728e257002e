"""The emitter: plan to Kibana KQL."""
