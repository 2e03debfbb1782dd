"""The `machi` command and the development stack behind it."""
