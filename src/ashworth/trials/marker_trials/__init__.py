"""Designs around a marker: enrichment, all comers, stratified, strategies, dilution."""
