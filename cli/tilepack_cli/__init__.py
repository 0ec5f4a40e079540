"""The command line of tilepack: options, one call of the library, and what came of it shown."""
