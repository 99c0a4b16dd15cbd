"""Frames: pictures of one size that share a palette, one after the other."""
