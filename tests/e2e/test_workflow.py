"""The shipped graphical model, run by qgis_process."""

from qgis.core import QgsRasterLayer, QgsVectorLayer


def parameters(chain, folder, map_image):
    return {
        "IMAGE": chain.folder / "west.tif",
        "LABELS": chain.folder / "labels.shp",
        "FIELD": "class",
        "TILE_SIZE": 64,
        "EPOCHS": 1,
        "MAP_IMAGE": chain.folder / map_image,
        "tiles:dataset": folder / "dataset",
        "train:model": folder / "model.safetensors",
        "train:report": folder / "report.html",
        "predict:classes": folder / "classes.tif",
        "predict:polygons": folder / "polygons.gpkg",
    }


def test_the_workflow_goes_from_labels_to_a_map(qgis_process, chain, tmp_path):
    results = qgis_process.results("geoseg:segmentation_chain", parameters(chain, tmp_path, "east.tif"))
    assert results["predict:classes"] == str(tmp_path / "classes.tif")
    assert (
        QgsRasterLayer(results["predict:classes"]).extent() == QgsRasterLayer(str(chain.folder / "east.tif")).extent()
    )
    assert QgsVectorLayer(results["predict:polygons"]).isValid()
    assert (tmp_path / "model.safetensors").is_file()
    assert (tmp_path / "report.html").is_file()
    assert (tmp_path / "dataset" / "tiles.gpkg").is_file()


def test_the_workflow_stops_with_the_message_of_the_step_that_failed(qgis_process, chain, tmp_path):
    done = qgis_process.run("geoseg:segmentation_chain", parameters(chain, tmp_path, "west_labels.tif"))
    assert done.returncode == 1
    assert "band" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "classes.tif").exists()
