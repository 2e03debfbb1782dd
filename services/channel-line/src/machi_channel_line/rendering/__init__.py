"""Channel-neutral messages as LINE messages: pure functions."""
