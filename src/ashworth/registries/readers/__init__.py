"""Registry formats to records: one module per format, and the recognition of files."""
