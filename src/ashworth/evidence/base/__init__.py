"""The evidence base: studies, their printed numbers and their conflicts, asked by words."""
