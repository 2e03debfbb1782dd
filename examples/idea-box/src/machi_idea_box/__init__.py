"""Ideas for the city."""
