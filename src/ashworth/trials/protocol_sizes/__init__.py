"""The sizes that a protocol asks for: its numbers in, the room's functions out."""
