"""Where the engine lies, when it counts as ready, and what its processes inherit."""

import pytest
from geoseg.geoseg_plugin.contract.errors import EngineError
from geoseg.geoseg_plugin.host import environment


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("GEOSEG_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("GEOSEG_PYTHON", raising=False)
    return tmp_path / "home"


FOREIGN = """
    PYTHONHOME PYTHONPATH PYTHONEXECUTABLE __PYVENV_LAUNCHER__ PYTHONUSERBASE PYTHONSTARTUP VIRTUAL_ENV PROJ_LIB
    PROJ_DATA GDAL_DATA GDAL_DRIVER_PATH GEOTIFF_CSV LD_LIBRARY_PATH LD_PRELOAD DYLD_LIBRARY_PATH DYLD_INSERT_LIBRARIES
    QT_PLUGIN_PATH QT_QPA_PLATFORM_PLUGIN_PATH QML2_IMPORT_PATH QGIS_PREFIX_PATH QGIS_PLUGINPATH PIP_USER PIP_TARGET
    PIP_PREFIX
"""


@pytest.mark.parametrize("name", FOREIGN.split())
def test_foreign_variable_is_dropped(name):
    assert name not in environment.clean_environment({name: "/somewhere"})


def test_useful_variables_are_kept():
    given = {"CUDA_VISIBLE_DEVICES": "1", "CUDA_PATH": "/cuda", "HTTPS_PROXY": "http://proxy", "PATH": "/bin"}
    cleaned = environment.clean_environment(given)
    assert given.items() <= cleaned.items()
    assert cleaned["PYTHONUTF8"] == cleaned["PYTHONNOUSERSITE"] == cleaned["PYTHONUNBUFFERED"] == "1"


def test_the_tracking_server_is_known_to_the_engine():
    given = {"MLFLOW_TRACKING_URI": "http://tracking:5000", "MLFLOW_TRACKING_USERNAME": "me"}
    assert given.items() <= environment.clean_environment(given).items()


def test_certificates_are_dropped_only_where_they_are_not_there(tmp_path):
    there = tmp_path / "ca.pem"
    there.write_text("")
    cleaned = environment.clean_environment({"SSL_CERT_FILE": str(there), "SSL_CERT_DIR": "/nowhere"})
    assert cleaned["SSL_CERT_FILE"] == str(there)
    assert "SSL_CERT_DIR" not in cleaned


def test_missing_engine_says_what_to_run(home):
    with pytest.raises(EngineError, match=r"The engine is not installed\. Run 'Install engine'"):
        environment.engine_python()


def make_engine(folder):
    python = environment.python_in(folder)
    python.parent.mkdir(parents=True)
    python.write_text("")
    return python


def test_engine_without_its_stamp_is_not_ready(home):
    folder = environment.engine_folder()
    python = make_engine(folder)
    assert not environment.is_ready(folder)
    (folder / environment.STAMP).write_text("{}")
    assert environment.engine_python() == python


def test_other_requirements_are_another_engine(home, tmp_path, monkeypatch):
    before = environment.engine_folder()
    changed = tmp_path / "engine.txt"
    changed.write_text("numpy==9\n")
    monkeypatch.setattr(environment, "REQUIREMENTS", changed)
    assert environment.engine_folder() != before
    key = environment.engine_key()
    changed.write_bytes(b"numpy==9\r\n")
    assert environment.engine_key() == key


def test_named_pythons_come_first(home, tmp_path, monkeypatch):
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("")
    second.write_text("")
    assert environment.engine_python(str(second)) == second
    monkeypatch.setenv("GEOSEG_PYTHON", str(first))
    assert environment.engine_python(str(second)) == first


def test_named_python_that_is_not_there(home, monkeypatch):
    monkeypatch.setenv("GEOSEG_PYTHON", "/nowhere/python")
    with pytest.raises(EngineError, match="no Python at /nowhere/python, which GEOSEG_PYTHON names"):
        environment.engine_python()
