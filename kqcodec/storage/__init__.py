"""Bytes in and out: files, pipes and URLs, whole writes, and the threads that share the work."""
