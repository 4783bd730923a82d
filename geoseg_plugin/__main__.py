"""Start GeoSeg from a checkout or an installed plugin: `python <folder>/geoseg_plugin COMMAND ...`.

Registers the root folder as the package `geoseg`, whatever the folder is called, and hands over to `cli`.
"""

import importlib.util
import os
import sys


def _register_root() -> None:
    here = os.path.dirname(os.path.abspath(__file__))
    root = os.path.dirname(here)
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") not in (here, root)]
    spec = importlib.util.spec_from_file_location(
        "geoseg", os.path.join(root, "__init__.py"), submodule_search_locations=[root]
    )
    package = importlib.util.module_from_spec(spec)
    sys.modules["geoseg"] = package
    spec.loader.exec_module(package)


if __name__ == "__main__":
    _register_root()
    from geoseg.geoseg_plugin.cli import main

    sys.exit(main())
