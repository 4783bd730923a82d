"""Load the plugin as QGIS does, after Processing's own; runs with the Python of QGIS.

    QT_QPA_PLATFORM=offscreen build/env/qgis/bin/python scripts/load_plugin.py

Prints JSON: the seconds on the processor that loading GeoSeg and Processing took, the number of algorithms, and the
modules that were imported for GeoSeg.
"""

import json
import sys
import time
from pathlib import Path

from qgis.core import QgsApplication

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Load both, and print what it took; return the exit code."""
    application = QgsApplication([], False)
    application.initQgis()
    sys.path += [QgsApplication.pkgDataPath() + "/python/plugins", str(ROOT / "build" / "src")]
    started = time.process_time()
    import processing  # noqa: F401  as in QGIS, which has loaded it before any other plugin

    loaded = time.process_time()
    before = set(sys.modules)
    import geoseg

    plugin = geoseg.classFactory(None)
    plugin.initProcessing()
    taken = time.process_time() - loaded
    facts = {
        "seconds": taken, "processing_seconds": loaded - started, "algorithms": len(plugin.provider.algorithms()),
        "modules": sorted(set(sys.modules) - before),
    }  # fmt: skip
    print(json.dumps(facts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
