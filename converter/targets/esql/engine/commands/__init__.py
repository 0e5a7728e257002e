"""The commands of ES|QL."""
