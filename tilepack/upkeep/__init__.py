"""Keeping caches that exist in order: deleting tiles, compacting bundles, mending damage."""
