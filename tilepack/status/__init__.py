"""What is built of a cache, and what is missing: counted, written as a geodatabase, kept in the cache's folder."""
