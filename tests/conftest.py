"""Registers the checkout as the package `geoseg`, whatever its folder is called, and finds the real data."""

import importlib.util
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def _register_root():
    spec = importlib.util.spec_from_file_location(
        "geoseg", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    package = importlib.util.module_from_spec(spec)
    sys.modules["geoseg"] = package
    spec.loader.exec_module(package)


_register_root()


def pytest_configure(config):
    if config.pluginmanager.hasplugin("pytest_qgis"):
        # QGIS's own Python code is not ours to keep free of warnings.
        for category in ("DeprecationWarning", "PendingDeprecationWarning", "ResourceWarning"):
            config.addinivalue_line("filterwarnings", f"ignore::{category}")


@pytest.fixture(scope="session")
def data():
    """The folder of real data, or a skip that says how to get it."""
    folder = Path(os.environ.get("GEOSEG_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"No real data at {folder}: point GEOSEG_DATA to it.")
    return folder


@pytest.fixture(scope="session")
def provider(qgis_processing):
    """GeoSeg's provider, registered as the plugin registers it; for tests inside QGIS."""
    from geoseg.geoseg_plugin.plugin import GeosegPlugin

    plugin = GeosegPlugin(None)
    plugin.initProcessing()
    yield plugin.provider
    plugin.unload()
