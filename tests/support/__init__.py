"""What several tests share: reading our own source, and running the documentation's blocks."""
