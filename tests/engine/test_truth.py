"""Labels from rasters: their classes, and what is read of them."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.errors import InputError
from geoseg.geoseg_plugin.engine.datasets.tiling.truth import read_classes

TWO = np.array([[[1, 2], [2, 1]]], np.uint8)


@pytest.fixture
def make_named(make_raster, tmp_path):
    """Writes a label raster of the values 1 and 2 with category names beside it."""

    def make(name, *categories):
        listed = "".join(f"<Category>{one}</Category>" for one in categories)
        (tmp_path / f"{name}.aux.xml").write_text(
            f'<PAMDataset><PAMRasterBand band="1"><CategoryNames>{listed}</CategoryNames></PAMRasterBand></PAMDataset>'
        )
        return make_raster(name, TWO)

    return make


def test_rasters_that_name_a_value_differently_are_refused(make_named, recorder):
    one, other = make_named("a.tif", "", "water", "roof"), make_named("b.tif", "", "roof", "water")
    with pytest.raises(InputError, match=r"a\.tif and .*b\.tif state different classes: 1 is 'water'.*'roof'"):
        read_classes((one, other), recorder)


def test_names_of_several_rasters_are_joined(make_named, recorder):
    paths = make_named("a.tif", "", "water"), make_named("b.tif", "", "", "roof"), make_named("c.tif", "", "water")
    assert read_classes(paths, recorder).names == ("water", "roof")
