"""The training report: complete, self-contained, true, and safe with any name."""

import base64
import html
import io
import re

import numpy as np
import pytest
import torch
from geoseg.geoseg_plugin.contract.classes import ClassTable
from geoseg.geoseg_plugin.contract.stages.training import TrainSegmentation
from geoseg.geoseg_plugin.engine.training.train import train_segmentation
from matplotlib.image import imread

NASTY = '<script>alert("x")</script> ü'


@pytest.fixture(scope="module")
def page(tmp_path_factory, make_recorder, write_tiles):
    torch.set_num_threads(1)
    random = np.random.default_rng(3)
    tiles = []
    for number in range(10):
        image = random.integers(1, 255, (4, 64, 64), dtype=np.uint8)
        label = (np.arange(64)[None] > 20).astype(np.uint8).repeat(64, axis=0)
        tiles.append(("train" if number < 4 else "validation", image, label))
    classes = ClassTable.named({0: "background", 1: NASTY, 2: "never seen"})
    folder = tmp_path_factory.mktemp("report")
    dataset = write_tiles(folder / "dataset", tiles, classes=classes, nodata=0)
    request = TrainSegmentation(
        dataset=dataset, model=str(folder / "m.safetensors"), report=str(folder / "r.html"), epochs=1, device="cpu",
        precision="float32",
    )  # fmt: skip
    recorder = make_recorder()
    result = train_segmentation(request, recorder)
    return (folder / "r.html").read_text(encoding="utf-8"), result, recorder


def test_it_needs_no_other_file(page):
    text, _, _ = page
    assert re.findall(r'(?:src|href)="(?!data:)', text) == []
    assert "http" not in re.sub(r"data:image/png;base64,[^\"]*", "", text)


def test_names_are_escaped(page):
    text, _, _ = page
    assert NASTY not in text
    assert "&lt;script&gt;" in text


def test_it_shows_the_figures_beside_the_trivial_answer(page):
    text, result, _ = page
    assert f"{result.best_iou:.3f}" in text
    share = 43 / 64
    assert f"{share:.3f}" in text
    assert f"{100 * share:.1f} %" in text
    assert "Truth" in text
    assert "Prediction" in text


def test_it_holds_the_request_and_the_versions(page):
    text, _, _ = page
    for word in ("LEARNING_RATE", "0.001", "cross entropy + dice", torch.__version__, "geoseg"):
        assert word in text


def test_it_shows_what_was_taken_where_it_was_left_open(page):
    text, _, _ = page
    rows = dict(re.findall(r'<td class="name">([a-z ]+)</td><td class="name">(.*?)</td>', text))
    assert (rows["encoder"], rows["weights"]) == ("tu-tf_efficientnet_lite0", "imagenet weights of the encoder")
    assert (rows["batch size"], rows["learning rate"], rows["precision"]) == ("4", "0.001", "float32")
    assert (rows["compiled"], rows["device"][:3]) == ("false", "cpu")


def test_it_shows_words_and_no_python(page):
    text, _, _ = page
    rows = dict(re.findall(r'<td class="name">([A-Z_]+)</td><td class="name">(.*?)</td>', text))
    assert (rows["AUGMENT"], rows["MLFLOW"], rows["LOSS_FORMULA"], rows["IMAGES"]) == (
        "true",
        "false",
        "empty",
        "empty",
    )
    assert (rows["LEARNING_RATE"], rows["ROTATION"]) == ("0.001", "45")
    assert not re.search(r">(True|False|None|\[.*\]|\(.*\))<", "".join(f">{value}<" for value in rows.values()))


def test_swatches_have_an_outline_so_that_white_is_seen(page):
    text, _, _ = page
    assert re.search(r"\.chip \{[^}]*border: 1px solid var\(--soft\)", text)


def test_worst_middle_and_best_tiles_are_shown(page):
    text, _, _ = page
    assert [text.count(f"<b>{kind}</b>") for kind in ("Worst", "Middle", "Best")] == [2, 2, 2]
    for data in re.findall(r"data:image/png;base64,([^\"]+)", text):
        assert imread(io.BytesIO(base64.b64decode(data))).ndim == 3


def test_every_example_has_its_panels_and_iou_1(page):
    text, _, _ = page
    for panel in ("Image", "Image + prediction", "Prediction", "Image + truth", "Truth"):
        assert f"<th>{panel}</th>" in text
        assert text.count(f'alt="{panel.lower()}"') == 6
    assert len(re.findall(r"IoU\(1\) (?:na|[01]\.\d{3}) ", text)) == 6


def test_it_tells_the_iou_without_the_first_class(page):
    text, _, _ = page
    shown = re.search(r"Mean IoU without “background”<strong>(.+?)</strong>", text)
    rows = re.findall(r"</span>(.+?)</td><td>[\d.]+ %</td><td><b>(.+?)</b>", text)
    assert shown[1] == dict(rows)[html.escape(NASTY, quote=False).replace('"', "&#34;")], "the third one is not there"


def test_a_class_that_training_lacks_is_warned_of(page):
    _, _, recorder = page
    assert any("'never seen'" in text for text in recorder.warnings)
