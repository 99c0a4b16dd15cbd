"""Commands over many files: finding them, naming outputs, resuming, the manifest."""
