"""How the world is reached: LINE, other pods, tables."""
