"""Conversations with citizens: language, stopping messages, help."""
