"""Replay logs: run cases on targets, compare with the reference, explain differences."""
