"""The table of all that is fuzzed. A new parser is one more line in a module's ``TARGETS``, or one more module here."""

import fuzz_areas
import fuzz_bundles
import fuzz_caches
import fuzz_documents
import fuzz_jobs
import fuzz_packages
import fuzz_rasters
import fuzz_tiles
import fuzz_vector
import fuzz_web

TARGETS = (
    *fuzz_documents.TARGETS,
    *fuzz_bundles.TARGETS,
    *fuzz_packages.TARGETS,
    *fuzz_tiles.TARGETS,
    *fuzz_areas.TARGETS,
    *fuzz_jobs.TARGETS,
    *fuzz_web.TARGETS,
    *fuzz_vector.TARGETS,
    *fuzz_rasters.TARGETS,
    *fuzz_caches.TARGETS,
)

BY_NAME = {target.name: target for target in TARGETS}
