"""What the chosen preset sets, below its pull-down list in the dialog that QGIS makes."""

from __future__ import annotations

from functools import partial
from typing import Any

from qgis.PyQt.QtCore import QTimer
from qgis.PyQt.QtWidgets import QApplication, QComboBox, QLabel, QVBoxLayout

from ..geoseg_plugin.contract.fields import Field, fields_of, value_in_words
from ..geoseg_plugin.contract.presets import PRESET
from ..geoseg_plugin.contract.stages.training import TrainSegmentation
from .words import translate

LABEL = "geoseg_preset_values"
_FIELDS = {field.name: field for field in fields_of(TrainSegmentation)}


def show_in_next_dialog() -> None:
    """Show the values of presets as soon as the dialog that is about to be made is there."""
    QTimer.singleShot(0, show_preset_values)


def show_preset_values() -> None:
    """Put the values of the chosen preset below every pull-down list of presets in a column of parameters.

    As with notes of choices, it is by what a list offers that it is known. In tables, as of a batch, there is no room.
    """
    for window in QApplication.topLevelWidgets():
        for box in window.findChildren(QComboBox):
            offered = tuple(box.itemText(row) for row in range(box.count()))
            if offered == _FIELDS["preset"].choices and box.parentWidget() is not None:
                _add_values(box, box.parentWidget().layout())


def _add_values(box: QComboBox, column: Any) -> None:
    if not isinstance(column, QVBoxLayout) or column.indexOf(box) < 0:
        return
    below = column.itemAt(column.indexOf(box) + 1)
    if below is not None and below.widget() is not None and below.widget().objectName() == LABEL:
        return
    label = QLabel(box.parentWidget())
    label.setObjectName(LABEL)
    label.setWordWrap(True)
    column.insertWidget(column.indexOf(box) + 1, label)
    tell_values = partial(_tell_values, box, label)
    box.currentIndexChanged.connect(tell_values)
    tell_values()


def _tell_values(box: QComboBox, label: QLabel, *_: Any) -> None:
    preset = PRESET.get(box.currentText())
    label.setVisible(preset is not None)
    if preset is not None:
        values = "; ".join(_words(_FIELDS[name], value) for name, value in preset.values.items())
        head = translate("Sets, where you change nothing:")
        label.setText(f"{head} {values}.")


def _words(field: Field, value: Any) -> str:
    unit = f" {field.unit}" if field.unit else ""
    return f"{translate(field.label)} {value_in_words(value)}{unit}"
