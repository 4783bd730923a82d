"""What a training minimises, from its request and its dataset."""

import shutil

import numpy as np
import pyogrio
import pytest
import rasterio
from geoseg.geoseg_plugin.contract.errors import InputError, RequestError
from geoseg.geoseg_plugin.contract.loss_formula import Term
from geoseg.geoseg_plugin.contract.stages.training import TrainSegmentation
from geoseg.geoseg_plugin.engine.datasets.dataset import open_dataset
from geoseg.geoseg_plugin.engine.training.objective import choose_loss, describe_loss
from geoseg.models.losses.loss import LossSettings


def _choose(folder, **options):
    return choose_loss(TrainSegmentation(dataset=folder, model="m.safetensors", **options), open_dataset(folder))


def _share(folder):
    """Return the share of class 1 of the labelled pixels of the training tiles, counted in their files."""
    labels = np.stack([rasterio.open(tile.label).read(1) for tile in open_dataset(folder).split("train")])
    return (labels == 1).sum() / (labels != 255).sum()


@pytest.fixture(name="folder")
def _folder(cut_scenes):
    return cut_scenes(validation=30)


def test_weights_are_of_the_training_tiles(folder, split_anew):
    split = str(split_anew(folder, seed=7)[0].folder)
    shares = _share(folder), _share(split)
    assert shares[0] != shares[1]
    for dataset, share in zip((folder, split), shares, strict=True):
        weights = _choose(dataset, class_weights="inverse frequency").class_weights
        assert weights == pytest.approx((2 * share, 2 * (1 - share)))


def test_given_weights_go_to_their_classes(folder):
    assert open_dataset(folder).classes.names == ("background", "class 1")
    assert _choose(folder, class_weights="given", given_weights="class 1=5, background=0.5").class_weights == (0.5, 5)


@pytest.mark.parametrize(
    ("given", "said"),
    [("class 1=5, background=1, water=2", "a weight to 'water'"), ("class 1=5", "gives 'background' no weight\\.")],
)
def test_given_weights_must_name_the_classes(folder, given, said):
    with pytest.raises(RequestError, match=said) as caught:
        _choose(folder, class_weights="given", given_weights=given)
    assert "background, class 1" in caught.value.fix


def test_a_layer_without_counts_is_refused(blobs):
    with pytest.raises(InputError, match="class_0"):
        _choose(blobs, class_weights="median frequency")
    assert _choose(blobs).class_weights == ()


@pytest.fixture(name="counted")
def _counted(blobs, tmp_path):
    """Copies the dataset with numbers of pixels per class in its layer and returns its folder."""

    def run(**counts):
        folder = shutil.copytree(blobs, tmp_path / "counted")
        layer = folder / "tiles.gpkg"
        meta, _, wkb, columns = pyogrio.raw.read(layer)
        table = dict(zip(meta["fields"], columns, strict=True)) | counts
        pyogrio.raw.write(
            layer, wkb, list(table.values()), list(table), layer="tiles", driver="GPKG", geometry_type="Polygon",
            crs="EPSG:32645",
        )  # fmt: skip
        return str(folder)

    return run


@pytest.mark.parametrize("kind", ["inverse frequency", "median frequency", "effective number"])
@pytest.mark.parametrize("wrong", [np.nan, -5])
def test_numbers_of_pixels_that_are_none_are_refused(counted, kind, wrong):
    counts = np.full(32, 100.0)
    counts[[5, 30]] = wrong
    with pytest.raises(InputError, match=r"Tile tile_005 in .* the field class_7") as caught:
        _choose(counted(class_0=np.full(32, 9), class_7=counts), class_weights=kind)
    assert "given" in caught.value.fix


def test_only_training_tiles_need_numbers(counted):
    counts = np.full(32, 300.0)
    counts[24:] = np.nan
    folder = counted(class_0=np.full(32, 100), class_7=counts)
    assert _choose(folder, class_weights="inverse frequency").class_weights == pytest.approx((1.5, 0.5))


def test_texts_are_no_numbers(counted):
    counts = np.full(32, "many", dtype=object)
    with pytest.raises(InputError, match="class_7"):
        _choose(counted(class_0=np.full(32, 9), class_7=counts), class_weights="inverse frequency")


def test_a_layer_without_any_pixel_is_refused(counted):
    nothing, something = np.zeros(32, dtype=np.int64), np.repeat([0, 7], [24, 8])
    with pytest.raises(InputError, match="no pixel of any class in the training tiles"):
        _choose(counted(class_0=nothing, class_7=something), class_weights="effective number")


def test_given_weights_of_the_classes_that_tiles_show_must_not_all_be_0(counted, blobs):
    folder = counted(class_0=np.full(32, 900), class_7=np.repeat([0, 7], [24, 8]))
    with pytest.raises(RequestError, match="show only 'background', with the weight 0"):
        _choose(folder, class_weights="given", given_weights="background=0, roof=1")
    assert _choose(folder, class_weights="given", given_weights="background=1, roof=0").class_weights == (1, 0)
    assert _choose(blobs, class_weights="given", given_weights="background=0, roof=1").class_weights == (0, 1)


def test_all_that_was_asked_is_passed_on(blobs):
    options = {"label_smoothing": 0.1, "border_weight": 5, "border_width": 3}
    settings = _choose(blobs, loss_formula="cross entropy + 2 * focal(1)", **options)
    assert settings == LossSettings(
        (Term(1, "cross entropy", ()), Term(2, "focal", (1,))), (), label_smoothing=0.1, border_weight=5, border_width=3
    )


def test_words():
    terms = (Term(1, "cross entropy", ()), Term(2, "focal", (1.5,)))
    names = ("background", "roof")
    assert describe_loss(LossSettings(terms), names) == "cross entropy + 2 * focal(1.5)"
    assert describe_loss(LossSettings(terms, (0.5, 1.5), 0.1, 5, 3), names) == (
        "cross entropy + 2 * focal(1.5); class weights background 0.5, roof 1.5; label smoothing 0.1; "
        "border weight 5 within 3 pixels"
    )
