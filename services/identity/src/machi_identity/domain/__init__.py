"""What is true about people, consent, desks, and releases; no I/O."""
