"""After a draw: risk by status, predictive values over time, lead time before recurrence."""
