"""How the world reaches this pod."""
