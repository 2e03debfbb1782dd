"""How the world reaches us."""
