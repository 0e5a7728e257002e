"""Logs of AWS, one module a service."""
