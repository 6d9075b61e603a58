"""Protocols that run: loaded and checked, routed, drawn, sized."""
