"""A small dataset without a fault, to plant one in."""

from dataclasses import replace

import numpy as np
from affine import Affine
from geoseg.geoseg_plugin.contract.classes import ClassTable
from geoseg.geoseg_plugin.engine.datasets.checking.findings import find_all
from geoseg.geoseg_plugin.engine.datasets.checking.pairs import Pair, Pairs
from geoseg.geoseg_plugin.engine.datasets.checking.survey import survey_tiles
from geoseg.tests.engine.listener import Listener
from geoseg.tests.engine.rasters import write_raster

SIDE = 32
SPLITS = ("train", "train", "train", "validation", "test", "unused")
SCENES = ("alder", "birch", "cedar", "dogwood", "elm", "fir")
LEVELS = np.array([60, 90, 40, 150])
SPREADS = np.array([8, 20, 5, 30])


class Plot:
    """Four tiles of each of six scenes, with three bands or more; what is set here in place of them is written."""

    def __init__(self, folder, *, bands=3, ignore_value=255):
        random = np.random.default_rng(7)
        self.folder, self.images, self.labels = folder, {}, {}
        self.image_options, self.label_options = {}, {}
        self.splits, self.scenes, self.places = {}, {}, {}
        self.fields = {
            "classes": ClassTable.named({0: "background", 1: "roof"}), "ignore_value": ignore_value,
            "bands": tuple(f"band {band + 1}" for band in range(bands)), "dtype": "uint8", "crs": "EPSG:32645",
            "tile_size": SIDE,
        }  # fmt: skip
        for number in range(24):
            name = f"t{number:02d}"
            label = np.zeros((SIDE, SIDE), dtype=np.uint8)
            label[4:20, 4 + number % 5 : 24] = 1
            noise = random.normal(size=(bands, SIDE, SIDE)) * SPREADS[:bands, None, None]
            image = LEVELS[:bands, None, None] + noise + 15 * label
            self.images[name] = image.clip(1, 254).astype(np.uint8)
            self.labels[name] = label
            self.splits[name], self.scenes[name] = SPLITS[number % 6], SCENES[number // 4]
            self.places[name] = Affine(0.5, 0, 300_000 + 16 * number, 0, -0.5, 3_000_000)

    @property
    def names(self):
        return list(self.images)

    def of(self, scene):
        """The names of the tiles of one scene."""
        return [name for name, one in self.scenes.items() if one == scene]

    def write(self):
        """Write the files and return the Pairs."""
        pairs = []
        for name, image in self.images.items():
            paths = [self.folder / kind / f"{name}.tif" for kind in ("images", "labels")]
            for path, pixels, options in (
                (paths[0], image, {"photometric": "minisblack", **self.image_options.get(name, {})}),
                (paths[1], self.labels[name][None], self.label_options.get(name, {})),
            ):
                path.parent.mkdir(exist_ok=True, parents=True)
                write_raster(path, pixels, **{"transform": self.places[name], **options})
            pairs.append(Pair(name, self.scenes[name], self.splits[name], *paths))
        return Pairs(folder=self.folder, pairs=tuple(pairs), **self.fields)

    def survey(self, **changes):
        """Write the files and look at them; without splits and classes if so changed."""
        return survey_tiles(replace(self.write(), **changes), Listener())

    def findings(self, **changes):
        """Return what is found, by kind."""
        return {one.kind: one for one in find_all(self.survey(**changes), Listener())}
