"""Randomise patients of a trial, verify the log, and check the installation before."""
