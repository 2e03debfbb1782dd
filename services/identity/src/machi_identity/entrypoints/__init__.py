"""How the world reaches us: rpc and dialogues."""
