"""Residents report what is broken; the right desk works it; the resident hears what became of it."""
