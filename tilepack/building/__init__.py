"""Building: a pyramid of tiles from rasters, drawn once at the finest level and averaged upwards."""
