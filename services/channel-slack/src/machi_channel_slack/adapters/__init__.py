"""How the world is reached: PostgreSQL, the Slack API, identity, pods."""
