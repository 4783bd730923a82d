"""What must be as it was for a run to go on."""

import os

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from geoseg.geoseg_plugin.contract.errors import InputError, OutputError
from geoseg.geoseg_plugin.contract.stages.imagery import ClipRaster
from geoseg.geoseg_plugin.engine import unfinished
from geoseg.geoseg_plugin.engine.unfinished import (
    check_same_run,
    describe_run,
    read_run,
    stamp_layer,
    stamp_raster,
    write_run,
)

FIX = "Do something."


def request(**options):
    return ClipRaster(input="a.tif", output="b.tif", **{"extent": "0,1,0,1", **options})


def test_the_same_run_is_the_same_after_a_file(tmp_path):
    stated = describe_run(request(), {"a.tif": [3, 4]}, apart=("output",))
    write_run(tmp_path / "run.json", {**stated, "more": "é"})
    before = read_run(tmp_path / "run.json", FIX)
    check_same_run(tmp_path, before, stated, FIX)
    assert before["more"] == "é"
    assert "output" not in before["request"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"request": {"extent": "0,2,0,1"}}, "another EXTENT: '0,2,0,1', now '0,1,0,1'"),
        ({"sources": {"a.tif": [3, 5]}}, "since which a.tif has changed"),
        ({"sources": {}}, "since which a.tif has changed"),
        ({"sources": {"a.tif": [3, 4], "b.tif": []}}, "since which b.tif has changed"),
        ({"geoseg": "0.0"}, "of GeoSeg 0.0, and this is another version"),
    ],
)
def test_what_differs_is_said(changed, said, tmp_path):
    stated = describe_run(request(), {"a.tif": [3, 4]}, apart=())
    before = {**stated, **changed}
    if "request" in changed:
        before["request"] = {**stated["request"], **changed["request"]}
    with pytest.raises(OutputError, match=said) as caught:
        check_same_run(tmp_path, before, stated, FIX)
    assert caught.value.fix == FIX


@pytest.mark.parametrize("text", ["", "{", "[]", '{"request": {}}', '{"request": 1, "sources": {}}'])
def test_what_is_damaged_is_said(text, tmp_path):
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(OutputError, match="it is damaged"):
        read_run(tmp_path / "run.json", FIX)


def test_every_file_of_a_raster_counts(tmp_path, make_raster):
    path = make_raster("a.tif", np.ones((1, 4, 4), np.uint8))
    virtual = tmp_path / "a.vrt"
    with rasterio.open(path) as dataset:
        rasterio.shutil.copy(dataset, virtual, driver="VRT")
    before = stamp_raster(str(virtual))
    assert set(before) == {str(virtual), path}
    os.utime(path, ns=(1, 1))
    assert stamp_raster(str(virtual)) == {**before, path: [before[path][0], 1]}
    with pytest.raises(InputError, match=r"nothing\.tif"):
        stamp_raster(str(tmp_path / "nothing.tif"))


def test_every_file_of_a_layer_counts(tmp_path):
    for name in ("a.shp", "a.dbf", "a.gpkg", "a.gpkg-wal"):
        (tmp_path / name).write_bytes(b"12")
    assert set(stamp_layer(str(tmp_path / "a.shp"))) == {str(tmp_path / name) for name in ("a.shp", "a.dbf")}
    layer = stamp_layer(f"{tmp_path}/a.gpkg|layername=x")
    assert {path: size for path, (size, _) in layer.items()} == {
        str(tmp_path / name): 2 for name in ("a.gpkg", "a.gpkg-wal")
    }
    assert stamp_layer(str(tmp_path / "none.gpkg")) == {str(tmp_path / "none.gpkg"): []}


def test_the_version_counts(monkeypatch):
    monkeypatch.setattr(unfinished, "version", lambda: "99")
    assert describe_run(request(), {}, apart=())["geoseg"] == "99"
