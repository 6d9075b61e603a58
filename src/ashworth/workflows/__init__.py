"""The use cases: they join rooms and are all that the command line and the server call."""
