"""Citizens, consent, staff, and the registry of installed pods."""
