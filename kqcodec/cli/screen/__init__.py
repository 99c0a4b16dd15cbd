"""What is said to the user: sentences, tables, progress and charts."""
