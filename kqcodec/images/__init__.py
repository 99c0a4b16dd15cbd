"""Pictures in and out: pixels, profiles, metadata, and the indexed image."""
