"""Patients of several centres analysed together."""
