"""Survival curves and what compares them: Kaplan-Meier, log-rank, rates, follow-up."""
