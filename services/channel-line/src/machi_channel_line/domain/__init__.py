"""What is true about webhooks, reply tokens, and menus; no I/O."""
