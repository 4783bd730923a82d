"""Rasters that were cut short are found."""

import numpy as np
import pytest
import rasterio
from geoseg.geoseg_plugin.contract.errors import OutputError
from geoseg.geoseg_plugin.engine.completeness import check_whole
from geoseg.geoseg_plugin.engine.raster import geotiff_profile


@pytest.mark.parametrize("count", [1, 3, 6])
def test_a_raster_that_is_cut_short_is_found(tmp_path, count):
    path = tmp_path / "map.tif"
    with rasterio.open(path, "w", **geotiff_profile("uint8", 600, 500, count)) as dataset:
        dataset.write(np.arange(count * 300_000, dtype=np.uint32).astype(np.uint8).reshape(count, 600, 500))
    check_whole(path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(OutputError, match=r"map\.tif could not be written to its end"):
        check_whole(path)


@pytest.mark.parametrize("damage", [0, 4])
def test_a_block_that_found_no_room_before_others_did_is_found(tmp_path, damage):
    path = tmp_path / "map.tif"
    noise = np.random.default_rng(0).integers(0, 256, (1, 600, 500), dtype=np.uint8)
    with rasterio.open(path, "w", **geotiff_profile("uint8", 600, 500, 1)) as dataset:
        dataset.write(noise)
    with rasterio.open(path) as dataset:
        first, second = (int(dataset.get_tag_item(f"BLOCK_OFFSET_{at}_0", "TIFF", bidx=1)) for at in (0, 1))
    content = path.read_bytes()
    moved = content.replace(second.to_bytes(4, "little"), (second - damage).to_bytes(4, "little"))
    assert first < second
    path.write_bytes(moved)
    if damage == 0:
        check_whole(path)
        return
    with pytest.raises(OutputError, match=r"map\.tif could not be written to its end"):
        check_whole(path)
