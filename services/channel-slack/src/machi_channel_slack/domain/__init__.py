"""What is true: cards and their messages, what a button means, what Slack delivers. No I/O."""
