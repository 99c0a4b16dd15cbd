"""Indexed images to bytes and back: coders, encoder, decoder, and the repair of damaged files."""
