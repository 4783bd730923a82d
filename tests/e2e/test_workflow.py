"""The shipped graphical model, run by qgis_process."""

from qgis.core import QgsRasterLayer, QgsVectorLayer


def test_the_workflow_goes_from_labels_to_a_map(qgis_process, chain, tmp_path):
    results = qgis_process.results(
        "geoseg:segmentation_chain",
        {
            "IMAGE": chain.folder / "west.tif",
            "LABELS": chain.folder / "labels.shp",
            "FIELD": "class",
            "TILE_SIZE": 64,
            "EPOCHS": 1,
            "MAP_IMAGE": chain.folder / "east.tif",
            "tiles:dataset": tmp_path / "dataset",
            "train:model": tmp_path / "model.safetensors",
            "train:report": tmp_path / "report.html",
            "predict:classes": tmp_path / "classes.tif",
            "predict:polygons": tmp_path / "polygons.gpkg",
        },
    )
    assert results["predict:classes"] == str(tmp_path / "classes.tif")
    assert (
        QgsRasterLayer(results["predict:classes"]).extent() == QgsRasterLayer(str(chain.folder / "east.tif")).extent()
    )
    assert QgsVectorLayer(results["predict:polygons"]).isValid()
    assert (tmp_path / "model.safetensors").is_file()
    assert (tmp_path / "report.html").is_file()
    assert (tmp_path / "dataset" / "tiles.gpkg").is_file()


def test_the_workflow_stops_with_the_message_of_the_step_that_failed(qgis_process, chain, tmp_path):
    done = qgis_process.run(
        "geoseg:segmentation_chain",
        {
            "IMAGE": chain.folder / "west.tif",
            "LABELS": chain.folder / "labels.shp",
            "FIELD": "class",
            "TILE_SIZE": 64,
            "EPOCHS": 1,
            "MAP_IMAGE": chain.folder / "labels.tif",
            "tiles:dataset": tmp_path / "dataset",
            "train:model": tmp_path / "model.safetensors",
            "predict:classes": tmp_path / "classes.tif",
        },
    )
    assert done.returncode == 1
    assert "band" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "classes.tif").exists()
