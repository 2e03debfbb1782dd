"""Small fair programs that do the same work by hand."""
