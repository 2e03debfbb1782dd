"""What is true about presses, sends, and menus; no I/O."""
