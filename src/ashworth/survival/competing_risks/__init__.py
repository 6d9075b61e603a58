"""Competing risks: cumulative incidence, Gray's test, Fine-Gray and cause-specific models."""
