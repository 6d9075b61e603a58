"""Cox's model: its likelihood and maximum, and all that is read off a fit."""
