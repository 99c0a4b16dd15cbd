"""What people look at: the report, the benchmark and the demo."""
