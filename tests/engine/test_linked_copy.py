"""The files of a dataset that is split anew."""

from geoseg.geoseg_plugin.engine.datasets.dataset import open_dataset
from geoseg.geoseg_plugin.engine.datasets.splitting import linked_copy


def test_masks_beside_tiles_come_along(cut_scenes, split_anew):
    source = cut_scenes()
    tile = open_dataset(source).tiles[0]
    tile.image.with_name(f"{tile.id}.tif.msk").write_bytes(b"x")
    dataset, _, _, _ = split_anew(source)
    assert (dataset.folder / "images" / f"{dataset.tiles[0].id}.tif.msk").read_bytes() == b"x"


def test_only_tiles_are_links(cut_scenes, split_anew, recorder):
    source = cut_scenes()
    tile = open_dataset(source).tiles[0]
    beside = tile.label.with_name(f"{tile.id}.tif.aux.xml")
    beside.write_text("old")
    dataset, _, _, _ = split_anew(source)
    dataset.tiles[0].label.with_name(beside.name).write_text("new")
    assert beside.read_text() == "old"
    assert dataset.tiles[0].label.samefile(tile.label)
    assert any("an edit of one shows in both datasets" in text for text in recorder.notes)


def test_files_are_copied_where_links_are_not_possible(cut_scenes, split_anew, recorder, monkeypatch):
    def refuse(source, target):
        raise OSError("not on this disk")

    source = cut_scenes()
    monkeypatch.setattr(linked_copy.os, "link", refuse)
    dataset, _, _, _ = split_anew(source)
    size = sum(path.stat().st_size for kind in ("images", "labels") for path in (dataset.folder / kind).iterdir())
    assert any(f"128 files are copies, {size / 1e6:,.1f} MB" in text for text in recorder.notes)
    assert not dataset.tiles[0].image.samefile(f"{source}/images/{dataset.tiles[0].id}.tif")
