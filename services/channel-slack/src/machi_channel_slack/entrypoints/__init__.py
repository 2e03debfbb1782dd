"""How the world reaches us: webhooks, topics, the clock."""
