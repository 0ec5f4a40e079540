"""Documents <-> CacheInfo; nothing is opened here."""
