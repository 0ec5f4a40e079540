"""Looking at a cache without changing it."""
