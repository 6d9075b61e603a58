"""The protocol language: one parse, two back ends (one patient with reasons; columns)."""
