"""A whole city on one machine: what is started, in which order, and how it is kept alive."""
