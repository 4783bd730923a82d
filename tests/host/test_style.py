"""Result layers get the style that lies beside their file, each its own."""

import gc

import pytest
from geoseg.geoseg_plugin.contract.stages.imagery import DemoScene
from geoseg.geoseg_plugin.host.style import LayerStyler, style_when_loaded
from qgis.core import (
    QgsPalettedRasterRenderer,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProject,
    QgsRasterLayer,
)
from qgis.PyQt.QtGui import QColor

from .conftest import make_raster


@pytest.fixture
def styled(tmp_path, qgis_new_project):
    """Two rasters, each with a style of its own beside it."""
    paths = []
    for number, colour in enumerate(("#112233", "#445566")):
        path = make_raster(tmp_path / f"r {number}.tif", bands=1)
        layer = QgsRasterLayer(path, "r")
        one = QgsPalettedRasterRenderer.Class(number, QColor(colour), f"name {number}")
        layer.setRenderer(QgsPalettedRasterRenderer(layer.dataProvider(), 1, [one]))
        layer.saveNamedStyle(path.replace(".tif", ".qml"))
        paths.append(path)
    return paths


def request(tmp_path):
    return DemoScene(output=str(tmp_path / "scene.tif"), labels=str(tmp_path / "labels.shp"))


def test_both_of_two_layers_are_styled(styled, tmp_path):
    context, feedback = QgsProcessingContext(), QgsProcessingFeedback()
    context.setProject(QgsProject.instance())
    for path in styled:
        details = QgsProcessingContext.LayerDetails("r", QgsProject.instance(), "OUTPUT")
        context.addLayerToLoadOnCompletion(path, details)
        style_when_loaded(context, path, request(tmp_path))
    gc.collect()
    for number, path in enumerate(styled):
        layer = QgsRasterLayer(path, "r")
        layer.setRenderer(None)
        context.layerToLoadOnCompletionDetails(path).postProcessor().postProcessLayer(layer, context, feedback)
        assert [one.label for one in layer.renderer().classes()] == [f"name {number}"]
        assert "Demo scene" in layer.metadata().abstract()
        assert '"stage": "demoscene"' in layer.metadata().history()[0]
    assert LayerStyler._waiting == []


def test_nothing_is_kept_for_layers_that_are_not_loaded(styled, tmp_path):
    style_when_loaded(QgsProcessingContext(), styled[0], request(tmp_path))
    assert LayerStyler._waiting == []


def test_layer_without_style_stays_as_it_is(tmp_path, qgis_new_project):
    path = make_raster(tmp_path / "plain.tif")
    layer = QgsRasterLayer(path, "plain")
    before = layer.renderer().type()
    LayerStyler(path, request(tmp_path)).postProcessLayer(layer, QgsProcessingContext(), QgsProcessingFeedback())
    assert layer.renderer().type() == before
