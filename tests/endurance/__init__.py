"""Much work, and a fault every few seconds: nothing lost, nothing double, memory flat, and all drains to zero."""
