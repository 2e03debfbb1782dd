"""`make images`: every image of this checkout, with the engine that is there."""
