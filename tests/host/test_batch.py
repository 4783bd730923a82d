"""Run as Batch Process: QGIS's own batch dialog, filled row by row, gives one file for every row."""

import pytest
from qgis.core import QgsApplication, QgsProcessingContext, QgsRasterLayer

ROWS = {
    "clipraster": [{"INPUT": "{raster}", "EXTENT": "500010,500020,4999980,4999990 [EPSG:32633]"}] * 2,
    "stackbands": [{"INPUTS": ["{raster}"], "BANDS": "3, 1"}, {"INPUTS": ["{raster}"], "BANDS": "2"}],
    "mosaicrasters": [{"INPUTS": ["{raster}"], "METHOD": "mean"}, {"INPUTS": ["{raster}"], "METHOD": "first"}],
    "rescaleimage": [
        {"INPUT": "{raster}", "TYPE": "float (0 to 1)"},
        {"INPUT": "{raster}", "SCOPE": "all bands together"},
    ],
}


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


@pytest.mark.parametrize("name", ROWS)
def test_every_row_gives_its_file(batch, raster, tmp_path, name):
    dialog, outputs = batch(name), []
    panel, context = dialog.mainWidget(), QgsProcessingContext()
    panel.checkLoadLayersOnCompletion.setChecked(False)
    panel.addRow(len(ROWS[name]) - 1)
    for row, given in enumerate(ROWS[name]):
        for parameter, value in given.items():
            filled = [raster] if isinstance(value, list) else value.format(raster=raster)
            panel.wrappers[row][panel.parameter_to_column[parameter]].setParameterValue(filled, context)
        outputs.append(str(tmp_path / f"row {row}.tif"))
        panel.tblParameters.cellWidget(row + 1, panel.parameter_to_column["OUTPUT"]).setValue(outputs[-1])
    dialog.runAlgorithm()
    for output in outputs:
        assert QgsRasterLayer(output, "result").isValid()
