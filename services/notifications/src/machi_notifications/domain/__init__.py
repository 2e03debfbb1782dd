"""What is true: quiet hours, policy, the life of a message."""
