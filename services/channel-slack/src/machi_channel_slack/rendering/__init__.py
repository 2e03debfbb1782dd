"""Channel-neutral content as Block Kit; pure functions."""
