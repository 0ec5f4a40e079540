"""Bytes <-> values of bundles, names, packages and tiles; nothing is opened here."""
