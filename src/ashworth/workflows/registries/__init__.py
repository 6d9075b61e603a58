"""The trial landscape from registry files."""
