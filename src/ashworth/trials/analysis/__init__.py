"""The analysis of a real trial, as its protocol says; simulations use the same tests."""
