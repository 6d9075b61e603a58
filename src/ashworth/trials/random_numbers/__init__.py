"""Random numbers of simulations: made by counting, never by a shared state."""
