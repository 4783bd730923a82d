"""Run as Batch Process: QGIS's own batch dialog, filled row by row, gives for every row what it asks for."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from osgeo import gdal
from qgis.core import QgsApplication, QgsProcessingContext

# For every row what is given, and (width, height, bands, data type) of what it makes of 64 x 64 pixels of 2 m.
ROWS = {
    "clipraster": [
        ({"EXTENT": "500010,500020,4999980,4999990 [EPSG:32633]"}, (5, 5, 3, "UInt16")),
        ({"EXTENT": "500010,500030,4999984,4999990 [EPSG:32633]"}, (10, 3, 3, "UInt16")),
    ],
    "stackbands": [
        ({"BANDS": "3, 1"}, (64, 64, 2, "UInt16")),
        ({"BANDS": "2", "EXPRESSIONS": "x = band_1 + 1"}, (64, 64, 2, "Float32")),
    ],
    "stackfolder": [
        ({"PARTNERS": "_vh_, _vv_"}, (64, 64, 6, "UInt16")),
        ({"PARTNERS": "_vv_", "BANDS": "1"}, (64, 64, 1, "UInt16")),
    ],
    "mosaicrasters": [
        ({"METHOD": "mean", "PIXEL_SIZE": "4"}, (32, 32, 3, "UInt16")),
        ({"METHOD": "first"}, (64, 64, 3, "UInt16")),
    ],
    "rescaleimage": [
        ({"TYPE": "float (0 to 1)"}, (64, 64, 3, "Float32")),
        ({"SCOPE": "all bands together"}, (64, 64, 3, "Byte")),
    ],
    "predictsegmentation": [
        ({"OVERLAP": 50, "EXTENT": "500010,500030,4999984,4999990 [EPSG:32633]"}, (10, 3, 1, "Byte")),
        ({"BLENDING": "spline", "FORMAT": "COG"}, (64, 64, 1, "Byte")),
    ],
    "predictscenes": [
        ({"BLENDING": "none", "WRITE_PICTURE": True}, (64, 64, 1, "Byte")),
        ({"EXTENT": "500010,500030,4999984,4999990 [EPSG:32633]"}, (10, 3, 1, "Byte")),
    ],
}

INTO_FOLDERS = ("stackfolder", "predictscenes")
SOURCES = Path(__file__).resolve().parents[2] / "build" / "src"
WRITE_MODEL = """
import sys
from geoseg.tests.engine.handmade import make_card, write_pixelwise
card = make_card(dtype="uint16", pixel_size=(2.0, 2.0), crs="EPSG:32633")
write_pixelwise(sys.argv[1], card, [[0, 0, 0], [1, 0, 0], [0, 0, 0.5]], [0, -20, -30])
"""


@pytest.fixture
def batch(qgis_processing, provider, qgis_iface):
    """Opens the batch dialog of an algorithm."""
    from processing.gui.BatchAlgorithmDialog import BatchAlgorithmDialog

    dialogs = []

    def open_batch(name):
        dialogs.append(BatchAlgorithmDialog(provider.algorithm(name).create()))
        return dialogs[-1]

    yield open_batch
    # Its progress ends as a task of QGIS, which would wait for the loop of events when Python ends.
    for dialog in dialogs:
        dialog.close()
    while QgsApplication.taskManager().count():
        QgsApplication.processEvents()


@pytest.fixture
def scenes(raster, tmp_path):
    """A folder with a VH and a VV scene."""
    for name in ("s1_vh_a.tif", "s1_vv_a.tif"):
        (tmp_path / "scenes").mkdir(exist_ok=True)
        shutil.copy(raster, tmp_path / "scenes" / name)
    return str(tmp_path / "scenes")


@pytest.fixture
def model(engine, tmp_path):
    """A model of three classes for the raster, by pixel alone."""
    path = tmp_path / "model.onnx"
    variables = {**os.environ, "PYTHONPATH": str(SOURCES)}
    subprocess.run([engine, "-c", WRITE_MODEL, str(path)], env=variables, check=True)
    return str(path)


@pytest.mark.parametrize("name", ROWS)
def test_every_row_gives_what_it_asks_for(batch, raster, scenes, tmp_path, name, request):
    dialog, outputs = batch(name), []
    panel, context = dialog.mainWidget(), QgsProcessingContext()
    panel.checkLoadLayersOnCompletion.setChecked(False)
    panel.addRow(len(ROWS[name]) - 1)
    sources = {"INPUT": raster, "INPUTS": [raster], "FOLDER": scenes}
    more = {"MODEL": request.getfixturevalue("model")} if "MODEL" in panel.parameter_to_column else {}
    own = "FOLDER" if name == "stackfolder" else "INPUT" if "INPUT" in panel.parameter_to_column else "INPUTS"
    for row, (given, _) in enumerate(ROWS[name]):
        for parameter, value in {own: sources[own], **more, **given}.items():
            panel.wrappers[row][panel.parameter_to_column[parameter]].setParameterValue(value, context)
        outputs.append(tmp_path / (f"row {row}" if name in INTO_FOLDERS else f"row {row}.tif"))
        panel.tblParameters.cellWidget(row + 1, panel.parameter_to_column["OUTPUT"]).setValue(str(outputs[-1]))
    dialog.runAlgorithm()
    for output, (given, (width, height, bands, dtype)) in zip(outputs, ROWS[name], strict=True):
        (file,) = output.glob("*.tif") if output.is_dir() else [output]
        dataset = gdal.Open(str(file))
        assert (dataset.RasterXSize, dataset.RasterYSize, dataset.RasterCount) == (width, height, bands)
        assert gdal.GetDataTypeName(dataset.GetRasterBand(1).DataType) == dtype
        asked = json.loads(dataset.GetMetadataItem("GEOSEG_REQUEST"))["parameters"]
        for parameter in given.keys() & {"BANDS", "EXPRESSIONS", "METHOD", "TYPE", "SCOPE", "BLENDING"}:
            assert str(asked[parameter.lower()]) == given[parameter]
