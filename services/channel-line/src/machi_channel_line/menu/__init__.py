"""The rich menu: layout and drawing; no I/O."""
