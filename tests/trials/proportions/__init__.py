"""Tests of proportions."""
