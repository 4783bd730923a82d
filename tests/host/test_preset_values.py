"""The values of the chosen preset, in the dialog of QGIS."""

import pytest
from geoseg.algorithms.preset_values import LABEL, show_preset_values
from geoseg.geoseg_plugin.contract.presets import NO_PRESET, PRESETS
from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QEvent
from qgis.PyQt.QtWidgets import QApplication, QComboBox, QLabel, QWidget

CLOUDS = (
    "Sets, where you change nothing: Architecture unet; Encoder vgg16_bn; Weights imagenet; Loss f2; Flips false; "
    "Quarter turns false; Rotation 0 degrees; Scale 0 %; Brightness 0 standard deviations; Contrast 0 %; "
    "Crop 0 pixels; Cutmix 0 %; Epochs 30; "
)


@pytest.fixture
def dialog(qgis_processing, provider, monkeypatch):
    """The dialog of the training, as the Toolbox opens it."""
    from processing.gui import ParametersPanel
    from processing.gui.AlgorithmDialog import AlgorithmDialog

    monkeypatch.setattr(ParametersPanel, "iface", None)  # that of tests knows less than QGIS's, none will do
    algorithm = provider.algorithm("trainsegmentation").create()
    algorithm.createCustomParametersWidget(None)
    made = AlgorithmDialog(algorithm)
    QgsApplication.processEvents()
    yield made
    made.close()
    made.deleteLater()
    QApplication.sendPostedEvents(made, QEvent.Type.DeferredDelete)


def parts(dialog):
    """Return the pull-down list and the labels below it."""
    return dialog.mainWidget().wrappers["PRESET"].wrappedWidget(), dialog.findChildren(QLabel, LABEL)


def test_what_the_chosen_preset_sets_is_shown(dialog):
    box, (label,) = parts(dialog)
    assert label.isHidden()
    box.setCurrentIndex(box.findText("clouds"))
    assert not label.isHidden()
    assert label.text().startswith(CLOUDS)
    for preset in PRESETS:
        box.setCurrentIndex(box.findText(preset.name))
        assert label.text().count(";") == len(preset.values) - 1
    box.setCurrentIndex(box.findText(NO_PRESET))
    assert label.isHidden()


def test_it_stands_below_the_list_once_and_changes_no_value(dialog):
    box, (label,) = parts(dialog)
    show_preset_values()
    assert parts(dialog)[1] == [label]
    column = box.parentWidget().layout()
    assert column.indexOf(label) == column.indexOf(box) + 1
    box.setCurrentIndex(box.findText("roofs"))
    values = dialog.createProcessingParameters()
    assert values["PRESET"] == "roofs"
    assert "ARCHITECTURE" not in values or values["ARCHITECTURE"] == "unet"


def test_lists_that_stand_in_no_column_stay_as_they_are(qgis_app):
    window = QWidget()
    box = QComboBox(window)
    box.addItems([NO_PRESET, *(preset.name for preset in PRESETS)])
    show_preset_values()
    assert window.findChildren(QLabel) == []
