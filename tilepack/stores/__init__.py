"""Open caches and packages: reading them, and making new ones."""
