"""How the world is reached: PostgreSQL."""
