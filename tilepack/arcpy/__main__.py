"""``python -m tilepack.arcpy SCRIPT.py``: run a script with ``arcpy`` resolved to tilepack's."""

import sys

from tilepack.arcpy.running import run_script

if __name__ == "__main__":
    sys.exit(run_script(sys.argv[1:]))
