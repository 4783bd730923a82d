"""Datasets without pixels, whose layer tells how many pixels of each class the tiles have."""

import numpy as np
import pyogrio
import shapely
from geoseg.geoseg_plugin.contract.classes import ClassTable
from geoseg.geoseg_plugin.engine.datasets.dataset import BandStatistics, Description, open_dataset, write_description


def write_counted(folder, counts, names, splits=None):
    """Write tiles with numbers of pixels (N, K) of classes of these names, whose values are 0, 10, 20 and so on.

    Return the dataset. All tiles are for training unless splits tell otherwise.
    """
    counts = np.asarray(counts)
    folder.mkdir()
    classes = ClassTable.named({10 * index: name for index, name in enumerate(names)})
    statistics = (BandStatistics("band 1", 0.0, 1.0, -1.0, 1.0),)
    write_description(
        folder,
        Description(
            tile_size=8, dtype="uint8", classes=classes, ignore_value=255, crs="EPSG:32645", pixel_size=(1.0, 1.0),
            statistics=statistics,
        ),
    )  # fmt: skip
    count = len(counts)
    columns = {"tile": [f"tile_{number:03d}" for number in range(count)], "scene": ["scene"] * count}
    columns = {name: np.array(values, dtype=object) for name, values in columns.items()}
    columns["split"] = np.array(splits or ["train"] * count, dtype=object)
    columns |= {f"class_{value}": counts[:, index] for index, value in enumerate(classes.values)}
    squares = shapely.to_wkb([shapely.box(8 * number, 0, 8 * number + 8, 8) for number in range(count)])
    pyogrio.raw.write(
        folder / "tiles.gpkg", squares, list(columns.values()), list(columns), layer="tiles", driver="GPKG",
        geometry_type="Polygon", crs="EPSG:32645",
    )  # fmt: skip
    return open_dataset(str(folder), whole=False)
