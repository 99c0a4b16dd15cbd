"""The options that commands share, checked."""
