"""Keeping caches that exist in order: deleting tiles or all of it, compacting, converting in place, mending damage."""
