"""Pictures of images and labels."""

import io

import numpy as np
from geoseg.geoseg_plugin.contract.classes import ClassTable
from geoseg.geoseg_plugin.engine.pictures import draw_classes, draw_image, draw_overlay
from matplotlib.image import imread


def test_pictures_show_what_is_there():
    classes = ClassTable.named({3: "water", 9: "building"})
    label = np.array([[0, 1], [-1, 1]], dtype=np.int16)
    picture = imread(io.BytesIO(draw_classes(label, classes, label >= 0)))
    assert (picture[0, 1, :3] * 255).round().astype(int).tolist() == list(classes.classes[1].rgb)
    assert picture[:, :, 3].tolist() == [[1, 1], [0, 1]]
    image = np.zeros((3, 2, 2), dtype=np.uint16)
    image[0] = [[1000, 9000], [0, 9000]]
    shown = imread(io.BytesIO(draw_image(image, label >= 0, ("nir", "red", "green"))))
    assert shown[0, 0, 0] < 0.05
    assert shown[0, 1, 0] > 0.95
    assert shown[1, 0, 3] == 0


def test_the_overlay_mixes_class_colours_into_the_image_and_shows_what_is_no_class():
    classes = ClassTable.named({3: "water"})
    image = np.array([[[0, 100], [100, 0]]], dtype=np.uint8)
    indices = np.array([[0, -1], [0, 0]])
    shown = np.array([[True, True], [False, True]])
    valid = np.array([[True, True], [True, False]])
    picture = (
        255 * imread(io.BytesIO(draw_overlay(image, valid, ("grey",), indices=indices, classes=classes, shown=shown)))
    ).round()
    assert picture[0, 0, :3].tolist() == [channel // 2 for channel in classes.classes[0].rgb]
    assert picture[0, 1, :3].tolist() == [255, 127, 255]
    assert picture[1, 0, :3].tolist() == [255, 255, 255]
    assert picture[1, 1, 3] == 0
