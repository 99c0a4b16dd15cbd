"""Frames of sequences: tiles that are coded one frame after the other, heads and a directory."""
