"""Rules of allocation: pure functions of the past, the factors and given random numbers."""
