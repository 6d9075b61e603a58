"""The package's version, read by results and reports."""

__version__ = "0.1.0"
