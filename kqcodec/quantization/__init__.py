"""Pixels to an indexed image: k-means, given palettes, and how many colours."""
