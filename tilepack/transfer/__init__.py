"""Moving tiles from a source to a target: plan first, then work."""
