"""Runs inside QGIS (see scripts/screenshots): opens dialogs of the Toolbox and saves their pictures."""

import os
from pathlib import Path

import processing
from qgis.PyQt.QtCore import QTimer
from qgis.PyQt.QtWidgets import QDockWidget, QTreeView
from qgis.utils import iface

ROOT = Path(os.environ["GEOSEG_PROFILE"]).parents[1]
IMAGES = ROOT / "docs" / "images"
DEMO = ROOT / "build" / "demo"
START_MS = 4000
SETTLE_MS = 1500
DIALOGS = {
    "trainsegmentation": {"DATASET": DEMO / "dataset", "MODEL": "/home/me/landcover.safetensors", "EPOCHS": 30},
    "predictsegmentation": {"INPUT": DEMO / "east.tif", "MODEL": "/home/me/landcover.safetensors"},
    "predictscenes": {"FOLDER": DEMO / "scenes", "PATTERN": "**/*.tif", "MODEL": "/home/me/landcover.safetensors"},
}


def take_dialogs(names: list[str]) -> None:
    """Open the first dialog, take its picture a little later, and go on with the others."""
    if not names:
        take_window()
        return
    name, *others = names
    parameters = {key: str(value).replace(str(DEMO), "/home/me/demo") for key, value in DIALOGS[name].items()}
    dialog = processing.createAlgorithmDialog(f"geoseg:{name}", parameters)
    dialog.resize(980, 640)
    dialog.show()

    def take() -> None:
        dialog.grab().save(str(IMAGES / f"dialog-{name}.png"))
        dialog.close()
        take_dialogs(others)

    QTimer.singleShot(SETTLE_MS, take)


def take_window() -> None:
    """Take the main window with the demo's layers and the Toolbox, and leave QGIS."""
    window = iface.mainWindow()
    window.resize(1400, 860)
    for dock in window.findChildren(QDockWidget):
        if dock.objectName() == "ProcessingToolbox":
            dock.show()
            show_provider(dock.algorithmTree)
        elif dock.objectName() == "Browser":
            dock.hide()
    iface.mapCanvas().zoomToFullExtent()

    def take() -> None:
        window.grab().save(str(IMAGES / "window.jpg"), None, 85)
        os._exit(0)

    QTimer.singleShot(2 * SETTLE_MS, take)


def show_provider(tree: QTreeView) -> None:
    """Open GeoSeg's part of the Toolbox alone."""
    tree.collapseAll()
    model = tree.model()
    for row in range(model.rowCount()):
        if model.index(row, 0).data() == "GeoSeg":
            tree.expandRecursively(model.index(row, 0))
            tree.scrollTo(model.index(row, 0), QTreeView.ScrollHint.PositionAtTop)


QTimer.singleShot(START_MS, lambda: take_dialogs(list(DIALOGS)))
