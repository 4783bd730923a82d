"""Telling whether sets of tiles lie apart on the ground."""

import shapely

SETS = ("train", "validation", "test")


def check_apart(splits, polygons, buffer=0.0):
    """No two sets of tiles (N,) share ground or come closer than a buffer, in map units."""
    areas = {name: shapely.union_all(polygons[splits == name]) for name in SETS}
    for number, one in enumerate(SETS):
        for other in SETS[number + 1 :]:
            assert shapely.area(shapely.intersection(areas[one], areas[other])) < 1e-6
            assert not shapely.distance(areas[one], areas[other]) < buffer - 1e-6
