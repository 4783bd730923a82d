"""How virtual mosaics refer to their rasters."""

import numpy as np
import rasterio
from geoseg.geoseg_plugin.contract.stages.imagery import MosaicRasters
from geoseg.geoseg_plugin.engine.imagery.mosaicking.mosaic import mosaic_rasters

PIXELS = np.random.default_rng(0).integers(1, 250, (3, 60, 80)).astype(np.uint8)


def test_paths_are_relative_so_that_a_folder_can_be_moved(make_raster, recorder, tmp_path):
    (tmp_path / "a").mkdir()
    source = make_raster("a/ä & b.tif", PIXELS)
    mosaic_rasters(MosaicRasters(inputs=[source], output=str(tmp_path / "a" / "m.vrt")), recorder)
    (tmp_path / "a").rename(tmp_path / "b")
    with rasterio.open(tmp_path / "b" / "m.vrt") as dataset:
        assert np.array_equal(dataset.read(), PIXELS)
    assert sorted(path.name for path in (tmp_path / "b").iterdir()) == ["m.vrt", "ä & b.tif"]


def test_rasters_on_another_grid_are_resampled_within_the_file(make_raster, recorder, tmp_path):
    """Its path is absolute, and what lies beyond it is masked."""
    source = make_raster("in.tif", PIXELS)
    request = MosaicRasters(inputs=[source], output=str(tmp_path / "m.vrt"), crs="EPSG:3857", pixel_size=1)
    mosaic_rasters(request, recorder)
    text = (tmp_path / "m.vrt").read_text(encoding="utf-8")
    assert source in text
    assert "&lt;MaskBand&gt;" in text
