"""Jobs in a file: exports, imports and all else that keeps caches up to date, run in order by any scheduler."""
