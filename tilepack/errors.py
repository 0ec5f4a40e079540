"""What can go wrong, as one tree.

::

    TilepackError
    ├── CacheNotFoundError     (FileNotFoundError)    nothing readable at this path
    ├── CacheExistsError       (FileExistsError)      the target is there already
    ├── MetadataError          (ValueError)           a document (conf.xml, root.json, ...) is malformed
    ├── BundleError            (ValueError)           a bundle or its index is malformed
    ├── TileError              (ValueError)           one tile's data is malformed
    ├── TilingSchemeError      (ValueError)           levels or grids do not fit
    ├── AreaOfInterestError    (ValueError)           an area cannot be used
    ├── JobFileError           (ValueError)           a file of jobs is malformed or contradicts itself
    ├── UnsupportedError       (NotImplementedError)  sound, but not for tilepack
    └── TransferError          (OSError)              the work itself failed: disk, rights, a second writer

Every message says what was found, where, and what to do about it, in one sentence each:
``state/conf.xml: PacketSize is 64; compact caches have 128``. Options are named as on the command line:
``--skip-errors`` is ``skip_errors=True`` in Python.
"""


class TilepackError(Exception):
    """The root: whatever tilepack raises on purpose is one of these."""


class CacheNotFoundError(TilepackError, FileNotFoundError):
    """There is no cache or package at a path."""


class CacheExistsError(TilepackError, FileExistsError):
    """A target exists and was not meant to be replaced."""


class MetadataError(TilepackError, ValueError):
    """A document that describes a cache is malformed or contradicts itself."""


class BundleError(TilepackError, ValueError):
    """A bundle, its index or the package around it is malformed."""


class TileError(TilepackError, ValueError):
    """The data of one tile is malformed."""


class TilingSchemeError(TilepackError, ValueError):
    """A level, scale or grid does not fit the cache."""


class AreaOfInterestError(TilepackError, ValueError):
    """An area of interest cannot be read or does not meet the cache."""


class JobFileError(TilepackError, ValueError):
    """A file of jobs is malformed, contradicts itself, or names what is not there; the message lists all of it."""


class UnsupportedError(TilepackError, NotImplementedError):
    """The input is sound but of a kind that tilepack does not handle."""


class TransferError(TilepackError, OSError):
    """Reading or writing failed: disk full, no rights, a file that vanished, a second writer."""
