"""What the project says of itself: its documents, its package, its names."""
