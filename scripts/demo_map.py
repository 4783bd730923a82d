"""The demo's QGIS project and picture, rendered by QGIS with the styles that lie beside the results."""

from pathlib import Path

from qgis.core import (
    QgsApplication,
    QgsLayoutExporter,
    QgsLayoutItemLabel,
    QgsLayoutItemLegend,
    QgsLayoutItemMap,
    QgsLayoutItemScaleBar,
    QgsLayoutPoint,
    QgsLayoutSize,
    QgsLegendRenderer,
    QgsLegendStyle,
    QgsMapLayer,
    QgsMapLayerLegendUtils,
    QgsPrintLayout,
    QgsProject,
    QgsRasterLayer,
    QgsUnitTypes,
    QgsVectorLayer,
)
from qgis.PyQt.QtGui import QColor, QFont

PAGE_MM = (208, 168)
MARGIN_MM = 6
MAP_TOP_MM = 24
MAP_HEIGHT_MM = 128
DPI = 130
FONT = "DejaVu Sans"


def write_map(folder: Path, caption: str) -> tuple[Path, Path]:
    """Write geoseg-demo.qgz and map.png into the demo's folder and return their paths."""
    application = QgsApplication([], True)
    application.initQgis()
    try:
        project = QgsProject.instance()
        layers = add_layers(project, folder)
        layout = lay_out(project, layers, caption)
        picture, file = folder / "map.png", folder / "geoseg-demo.qgz"
        QgsLayoutExporter(layout).renderPageToImage(0, dpi=DPI).save(str(picture))
        project.write(str(file))
        project.clear()
    finally:
        application.exitQgis()
    return file, picture


def add_layers(project: QgsProject, folder: Path) -> dict[str, QgsMapLayer]:
    """Add the results to the project, the top one first; return them by name."""
    layers = {
        "Tiles": QgsVectorLayer(str(folder / "dataset" / "tiles.gpkg"), "Tiles"),
        "True land cover": QgsVectorLayer(str(folder / "labels.shp"), "True land cover"),
        "Predicted polygons": QgsVectorLayer(str(folder / "polygons.gpkg"), "Predicted polygons"),
        "Predicted classes": QgsRasterLayer(str(folder / "predicted.tif"), "Predicted classes"),
        "True classes": QgsRasterLayer(str(folder / "east_truth.tif"), "True classes"),
        "Scene": QgsRasterLayer(str(folder / "scene.tif"), "Scene"),
    }
    root = project.layerTreeRoot()
    for name, layer in layers.items():
        if not layer.isValid():
            raise RuntimeError(f"The layer {name} cannot be opened: {layer.source()}")
        project.addMapLayer(layer, False)
        node = root.addLayer(layer)
        node.setExpanded(name == "Predicted classes")
        node.setItemVisibilityChecked(name in ("Tiles", "Predicted classes", "Scene"))
    project.setCrs(layers["Scene"].crs())
    project.setTitle("GeoSeg demo")
    project.viewSettings().setDefaultViewExtent(layers_extent(layers["Scene"]))
    return layers


def layers_extent(layer: QgsMapLayer):  # noqa: ANN201 - a type of QGIS, known only in the project's CRS
    """Return the extent of a layer with its CRS."""
    from qgis.core import QgsReferencedRectangle

    return QgsReferencedRectangle(layer.extent(), layer.crs())


def lay_out(project: QgsProject, layers: dict[str, QgsMapLayer], caption: str) -> QgsPrintLayout:
    """Make a layout: image, prediction and truth of the tested part side by side, with legend and scale bar."""
    layout = QgsPrintLayout(project)
    layout.initializeDefaults()
    layout.setName("GeoSeg demo")
    layout.pageCollection().page(0).setPageSize(QgsLayoutSize(*PAGE_MM))
    add_text(layout, "GeoSeg: from imagery and labels to a map", MARGIN_MM, 5, size=16)
    extent = layers["Predicted classes"].extent()
    width = MAP_HEIGHT_MM * extent.width() / extent.height()
    step = width + MARGIN_MM
    panels = (("Image", "Scene"), ("Prediction", "Predicted classes"), ("Truth", "True classes"))
    for position, (title, name) in enumerate(panels):
        left = MARGIN_MM + position * step
        add_text(layout, title, left, MAP_TOP_MM - 8, size=11)
        panel = QgsLayoutItemMap(layout)
        panel.attemptMove(QgsLayoutPoint(left, MAP_TOP_MM))
        panel.attemptResize(QgsLayoutSize(width, MAP_HEIGHT_MM))
        panel.setLayers([layers[name]])
        panel.setKeepLayerSet(True)
        panel.setCrs(project.crs())
        panel.setExtent(extent)
        panel.setFrameEnabled(True)
        layout.addLayoutItem(panel)
    add_legend(layout, layers["Predicted classes"], MARGIN_MM + 3 * step)
    add_scale_bar(layout, panel, MARGIN_MM + 3 * step)
    add_text(layout, caption, MARGIN_MM, MAP_TOP_MM + MAP_HEIGHT_MM + 8, size=12)
    project.layoutManager().addLayout(layout)
    return layout


def add_text(layout: QgsPrintLayout, text: str, left: float, top: float, *, size: int) -> None:
    """Put a line of text on the page."""
    label = QgsLayoutItemLabel(layout)
    label.setText(text)
    label.setFont(QFont(FONT, size))
    label.setFontColor(QColor("#222222"))
    label.adjustSizeToText()
    label.attemptMove(QgsLayoutPoint(left, top))
    layout.addLayoutItem(label)


def add_legend(layout: QgsPrintLayout, layer: QgsMapLayer, left: float) -> None:
    """Put the legend of one layer beside the maps."""
    legend = QgsLayoutItemLegend(layout)
    legend.setAutoUpdateModel(False)
    root = legend.model().rootGroup()
    for node in root.findLayers():
        if node.layerId() != layer.id():
            root.removeChildNode(node)
        else:
            # The first entry only names the band.
            entries = len(legend.model().layerLegendNodes(node))
            QgsMapLayerLegendUtils.setLegendNodeOrder(node, list(range(1, entries)))
            legend.model().refreshLayerLegend(node)
            QgsLegendRenderer.setNodeLegendStyle(node, QgsLegendStyle.Style.Hidden)
    legend.setStyleFont(QgsLegendStyle.Style.SymbolLabel, QFont(FONT, 10))
    legend.setTitle("")
    legend.attemptMove(QgsLayoutPoint(left, MAP_TOP_MM - 2))
    layout.addLayoutItem(legend)
    legend.adjustBoxSize()


def add_scale_bar(layout: QgsPrintLayout, panel: QgsLayoutItemMap, left: float) -> None:
    """Put a scale bar below the legend."""
    bar = QgsLayoutItemScaleBar(layout)
    bar.setStyle("Single Box")
    bar.setLinkedMap(panel)
    bar.setUnits(QgsUnitTypes.DistanceUnit.DistanceMeters)
    bar.setUnitLabel("m")
    bar.setUnitsPerSegment(50)
    bar.setFont(QFont(FONT, 9))
    bar.setHeight(2)
    bar.setNumberOfSegments(1)
    bar.setNumberOfSegmentsLeft(0)
    bar.attemptMove(QgsLayoutPoint(left, MAP_TOP_MM + MAP_HEIGHT_MM - 14))
    layout.addLayoutItem(bar)
    bar.update()
