"""Tiles of the web: MBTiles, PMTiles, and files named after zoom, column and row."""
