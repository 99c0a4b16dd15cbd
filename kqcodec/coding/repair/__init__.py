"""Damaged files: finding what is whole, and a clean file that holds it."""
