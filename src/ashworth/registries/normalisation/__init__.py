"""Verbatim values to one meaning: status, phases, countries, dates."""
