"""Simulated trials: what a design can and cannot show, before any patient enters."""
