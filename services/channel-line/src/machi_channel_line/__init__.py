"""LINE adapter: verifies, resolves, holds the dialogue with whichever pod offers it, renders natively, sends."""
