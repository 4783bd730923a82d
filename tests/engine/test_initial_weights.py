"""What training starts from: weights get where they belong, and misfits say so."""

import re

import pytest
import timm
import torch
from geoseg.geoseg_plugin.contract.errors import GeosegError, ModelError, RequestError
from geoseg.geoseg_plugin.contract.stages.training import TrainSegmentation
from geoseg.geoseg_plugin.engine.training.train import train_segmentation
from geoseg.models import library
from geoseg.models.catalog import build_network
from geoseg.models.file import save_model
from geoseg.models.start import choose_start
from geoseg.models.weights import Design, give_weights
from geoseg.tests.engine.handmade import make_card
from geoseg.tests.engine.on_paper import FAMILIES, assert_takes_other_bands
from huggingface_hub.errors import LocalEntryNotFoundError
from safetensors.torch import save_file

RGB = ("red", "green", "blue")
YES_NO = ("no", "yes")
SMALL = "tu-resnet10t"


def _design(architecture, encoder, bands=RGB, classes=YES_NO):
    return Design(architecture, encoder, tuple(bands), tuple(classes))


def _build(design):
    return build_network(design.architecture, design.encoder, len(design.bands), len(design.classes))


@pytest.fixture
def save(tmp_path):
    """Saves a network with random weights as a model of GeoSeg; returns it and the path."""

    def do(design):
        torch.manual_seed(0)
        network = _build(design)
        for values in network.buffers():
            if values.is_floating_point():
                values.add_(0.02 * torch.rand_like(values))
        card = make_card(
            design.bands, dict(enumerate(design.classes)), architecture=design.architecture, encoder=design.encoder
        )
        path = str(tmp_path / "model.safetensors")
        save_model(path, network.state_dict(), card)
        return network, path

    return do


@pytest.fixture
def give(recorder):
    """Builds a network, gives it weights, and returns it and what was told."""

    def do(design, weights):
        torch.manual_seed(1)
        network = _build(design)
        return network, give_weights(network, design, weights, recorder)

    return do


def _same(one, other, but=()):
    """Whether two modules have the same weights, except for some."""
    given, got = one.state_dict(), other.state_dict()
    return given.keys() == got.keys() and all(torch.equal(given[name], got[name]) for name in given if name not in but)


def test_random_weights_stay(give):
    torch.manual_seed(1)
    fresh = _build(_design("unet", SMALL))
    network, told = give(_design("unet", SMALL), "None")
    assert told == "random weights"
    assert _same(fresh, network)


@pytest.mark.parametrize(
    ("encoder", "stems"),
    [
        ("resnet18", ["conv1.weight"]), ("mit_b0", ["patch_embed1.proj.weight"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("bands", [1, 4])
def test_encoder_weights_of_another_band_count_are_adapted(encoder, stems, bands, tmp_path, give):
    source = library.build_encoder(encoder, 3)
    path = tmp_path / "encoder.safetensors"
    save_file(source.state_dict(), path)
    adapted, told = give(_design("fpn", encoder, "abcd"[:bands]), str(path))
    assert told == f"encoder weights from {path}"
    assert _same(source, adapted.encoder, stems)
    for stem in stems:
        given, got = source.state_dict()[stem], adapted.encoder.state_dict()[stem]
        # A grey image must cause about what it caused before.
        assert torch.equal(got, given.sum(1, keepdim=True) if bands == 1 else given[:, [0, 1, 2, 0]] * 3 / 4)


# The last one sees the bands in two convolutions.
@pytest.mark.parametrize("encoder", [*FAMILIES, "mobileone_s0"])
def test_all_that_sees_the_bands_is_adapted(encoder):
    assert_takes_other_bands(encoder)


def test_weights_of_mobilenet_get_into_light_weight_refinenet(tmp_path, give):
    source = build_network("unet", "mobilenet_v2", 3, 2)
    path = tmp_path / "encoder.safetensors"
    save_file(source.encoder.state_dict(), path)
    network, _ = give(_design("lw-refinenet", "mobilenet_v2"), str(path))
    assert torch.equal(network.encoder.features[3].conv[0][0].weight, source.encoder.features[3].conv[0][0].weight)


@pytest.mark.parametrize(
    ("architecture", "encoder"), [("unet", "tu-convnext_atto"), ("dpt", "tu-vit_tiny_patch16_224"), ("unet", SMALL)]
)
def test_weights_in_timms_own_names_fit(architecture, encoder, tmp_path, give):
    source = timm.create_model(encoder.removeprefix("tu-"))
    path = tmp_path / "timm.safetensors"
    save_file(source.state_dict(), path)
    network, _ = give(_design(architecture, encoder, "abcd"), str(path))
    stem, first = (
        next(values for values in module.state_dict().values() if values.dim() == 4)
        for module in (source, network.encoder)
    )
    assert torch.equal(first, stem[:, [0, 1, 2, 0]] * 3 / 4)


def test_imagenet_weights_are_downloaded_and_adapted(tmp_path, give, recorder, monkeypatch):
    source = build_network("unet", "resnet18", 3, 2)
    path = tmp_path / "model.safetensors"
    save_file(source.encoder.state_dict(), path)
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_, **__: None)
    monkeypatch.setattr("huggingface_hub.get_hf_file_metadata", lambda *_, **__: None)
    monkeypatch.setattr("huggingface_hub.hf_hub_download", lambda *_, **__: str(path))
    network, told = give(_design("unet", "resnet18"), "ImageNet")
    assert told == "imagenet weights of the encoder"
    assert _same(source.encoder, network.encoder)
    assert "Downloading the imagenet weights of resnet18, once" in recorder.notes[0]


@pytest.mark.parametrize(
    ("asked", "chosen"),
    [
        (("unet", "auto", None), SMALL),
        (("fpn", "auto", None), SMALL),
        (("unet", "resnet34", None), "resnet34"),
        (("unet", "auto", "tu-resnet14t"), "tu-resnet14t"),
        (("slump-unet", "auto", None), "none"),
    ],
)
def test_an_encoder_that_is_left_open_is_that_of_the_model(save, asked, chosen):
    _, path = save(_design("unet", SMALL))
    assert choose_start(*asked, path) == (chosen, path)


def test_a_model_without_encoder_or_a_bare_encoder_leaves_the_usual_one(save, tmp_path):
    network, path = save(_design("satellite-unet", "none"))
    assert choose_start("unet", "auto", None, path) == ("resnet18", path)
    save_file(network.state_dict(), tmp_path / "bare.safetensors")
    bare = str(tmp_path / "bare.safetensors")
    assert choose_start("unet", "auto", None, bare) == ("resnet18", bare)


def test_a_model_gives_its_encoder_to_another_network(save, give, recorder):
    source, path = save(_design("unet", "resnet18"))
    taught, told = give(_design("linknet", "resnet18", ("nir", *RGB), ("a", "b", "c")), path)
    assert told == f"encoder weights from {path}"
    assert _same(source.encoder, taught.encoder, ["conv1.weight"])
    assert torch.equal(taught.encoder.conv1.weight[:, 1:], source.encoder.conv1.weight)
    assert not taught.encoder.conv1.weight[:, 0].any()
    assert recorder.notes == ["The bands of WEIGHTS are others: kept: red, green, blue; new: nir"]


@pytest.mark.parametrize("architecture", ["unet", "fpn"])
def test_names_are_the_same_in_small_and_capital_letters(architecture, save, give, recorder):
    source, path = save(_design("unet", SMALL, ("Red", "Green ", "Blue"), ("Ground", "roof")))
    taught, _ = give(_design(architecture, SMALL, RGB, ("ground", "Roof ")), path)
    assert _same(source.encoder, taught.encoder)
    assert architecture == "fpn" or _same(source, taught)
    assert recorder.notes == []


@pytest.mark.parametrize("architecture", ["unet", "gscnn"])
def test_the_encoder_of_light_weight_refinenet_is_its_own(architecture, save, give):
    _, path = save(_design("lw-refinenet", "mobilenet_v2"))
    with pytest.raises(
        ModelError, match=f"a layer more than that of other networks, so that a {architecture}"
    ) as caught:
        give(_design(architecture, "mobilenet_v2"), path)
    assert "Set ARCHITECTURE to lw-refinenet" in caught.value.fix


@pytest.mark.parametrize(
    ("given", "wanted"), [("resnet34", "resnet18"), ("tu-convnext_pico", "tu-convnext_atto"), ("tu-resnet14t", SMALL)]
)
def test_weights_of_a_larger_relative_do_not_fit(given, wanted, tmp_path, give):
    path = tmp_path / "larger.safetensors"
    save_file(library.build_encoder(given, 3).state_dict(), path)
    with pytest.raises(ModelError, match=f"do not fit {wanted}: ") as caught:
        give(_design("unet", wanted), str(path))
    assert "Error(s) in loading" not in caught.value.message


@pytest.mark.parametrize(
    "design",
    [
        _design("unet", SMALL), _design("satellite-unet", "none"), _design("lw-refinenet", "mobilenet_v2"),
        _design("gscnn", SMALL),
    ],
)  # fmt: skip
def test_a_model_of_the_same_network_gives_everything(design, save, give, recorder):
    source, path = save(design)
    taught, told = give(design, path)
    assert told == f"all weights from {path}"
    assert _same(source, taught)
    assert recorder.notes == []


@pytest.mark.parametrize(
    ("architecture", "encoder"),
    [
        ("unet", SMALL), ("segformer", "mit_b0"), ("dpt", "tu-vit_tiny_patch16_224"), ("deeplabv3plus", SMALL),
        ("satellite-unet", "none"), ("cloudxnet", "none"), ("lw-refinenet", "mobilenet_v2"), ("gscnn", SMALL),
    ],
)  # fmt: skip
def test_a_model_learns_on_with_other_bands_and_classes(architecture, encoder, save, give, recorder):
    source, path = save(_design(architecture, encoder, RGB, ("ground", "roof", "water")))
    design = _design(architecture, encoder, ("blue", "nir", "green", "red"), ("roof", "road", "ground"))
    taught, told = give(design, path)
    assert told == f"adapted weights from {path}"
    assert recorder.notes == [
        "The bands of WEIGHTS are others: kept: blue, green, red; new: nir",
        "The classes of WEIGHTS are others: kept: roof, ground; new: road; left out: water",
    ]
    image = torch.randn(1, 4, 64, 64)
    if architecture == "gscnn":
        image[:, 1] = image[:, [0, 2, 3]].mean(1)  # It looks for edges in the mean of all bands.
    with torch.inference_mode():
        before, after = source.eval()(image[:, [3, 2, 0]]), taught.eval()(image)
    # What it knows it answers as before, whatever the new band shows.
    assert (after[:, [2, 0]] - before[:, :2]).abs().max() < 1e-4 * before.abs().max()


def test_only_what_is_new_is_not_from_the_model(save, give):
    source, path = save(_design("unet", SMALL, RGB, ("ground", "roof")))
    taught, _ = give(_design("unet", SMALL, RGB, ("road", "roof")), path)
    head = ["segmentation_head.0.weight", "segmentation_head.0.bias"]
    assert _same(source, taught, head)
    for name in head:
        given, got = source.state_dict()[name], taught.state_dict()[name]
        assert torch.equal(given[1], got[1])
    assert not torch.equal(source.segmentation_head[0].weight[0], taught.segmentation_head[0].weight[0])


def test_another_encoder_does_not_fit(save, give):
    _, path = save(_design("unet", SMALL))
    with pytest.raises(ModelError, match="has the encoder tu-resnet10t, not resnet34") as caught:
        give(_design("unet", "resnet34"), path)
    assert caught.value.fix == "Set ENCODER to tu-resnet10t."


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (_design("satellite-unet", "none"), _design("slump-unet", "none")),
        (_design("satellite-unet", "none"), _design("unet", SMALL)),
        (_design("unet", SMALL), _design("satellite-unet", "none")),
    ],
)
def test_networks_without_an_encoder_give_and_take_nothing_of_others(given, wanted, save, give):
    _, path = save(given)
    with pytest.raises(ModelError, match="can take nothing") as caught:
        give(wanted, path)
    assert f"ARCHITECTURE to {given.architecture}" in caught.value.fix


def test_weights_that_do_not_fit(tmp_path, give):
    path = tmp_path / "encoder.safetensors"
    save_file({"conv1.weight": torch.zeros(64, 3, 7, 7)}, path)
    with pytest.raises(ModelError, match="do not fit resnet18"):
        give(_design("unet", "resnet18"), str(path))
    with pytest.raises(ModelError, match=r"do not fit tu-resnet10t: .*conv1"):
        give(_design("unet", SMALL), str(path))
    with pytest.raises(RequestError, match="satellite-unet has no encoder that could take weights"):
        give(_design("satellite-unet", "none"), str(path))


def test_a_card_that_is_not_of_its_weights(tmp_path, give):
    design = _design("satellite-unet", "none")
    path = str(tmp_path / "model.safetensors")
    card = make_card(RGB, {0: "a", 1: "b", 2: "c"}, architecture="satellite-unet", encoder="none")
    save_model(path, _build(design).state_dict(), card)
    with pytest.raises(ModelError, match="do not fit satellite-unet"):
        give(_design("satellite-unet", "none", RGB, ("c", "a")), path)


@pytest.mark.parametrize("weights", ["imagenets", "absent.safetensors"])
def test_weights_that_are_no_file_are_named(weights, give):
    with pytest.raises(
        RequestError, match=f"WEIGHTS is '{weights}', which is neither auto, none, imagenet nor an existing"
    ):
        give(_design("unet", SMALL), weights)


@pytest.mark.parametrize("name", ["resnet.pth", "last.CKPT", "model.pt"])
def test_files_of_torch_are_to_be_saved_otherwise(name, tmp_path, give):
    path = tmp_path / name
    torch.save({"conv1.weight": torch.zeros(64, 3, 7, 7)}, path)
    with pytest.raises(ModelError, match="such files can hold programs") as caught:
        give(_design("unet", SMALL), str(path))
    assert "safetensors.torch.save_file" in caught.value.fix


def test_reasons_are_not_cut_off_in_a_word(tmp_path, give):
    path = tmp_path / "encoder.safetensors"
    state = library.build_encoder("resnet18", 3).state_dict()
    state |= {f"words{number}": torch.zeros(1) for number in range(50)}
    save_file(state, path)
    with pytest.raises(ModelError) as caught:
        give(_design("unet", "resnet18"), str(path))
    assert re.search(r'do not fit resnet18: Unexpected key.*"words\d+", \.\.\.$', caught.value.message)


def test_an_onnx_model_cannot_learn_on(tmp_path, give):
    path = tmp_path / "model.ONNX"
    path.write_bytes(b"anything")
    with pytest.raises(ModelError, match="an ONNX model, which cannot learn on") as caught:
        give(_design("unet", SMALL), str(path))
    assert "exported from" in caught.value.fix


@pytest.mark.parametrize("encoder", ["resnet18", "timm-mobilenetv3_large_100", SMALL])
def test_offline_imagenet_says_which_file_to_bring(encoder, give, monkeypatch):
    def fail(*_, **__):
        raise LocalEntryNotFoundError("No connection.")

    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_, **__: None)
    monkeypatch.setattr("huggingface_hub.get_hf_file_metadata", lambda *_, **__: None)
    monkeypatch.setattr("huggingface_hub.hf_hub_download", fail)
    with pytest.raises(GeosegError, match="cannot be downloaded: No connection") as caught:
        give(_design("unet", encoder), "imagenet")
    assert "https://huggingface.co/" in caught.value.fix


def test_imagenet_needs_an_encoder(give):
    with pytest.raises(RequestError, match="WEIGHTS is imagenet, and cloudxnet has no encoder") as caught:
        give(_design("cloudxnet", "none"), "imagenet")
    assert "WEIGHTS to none" in caught.value.fix


@pytest.mark.usefixtures("one_thread")
def test_training_goes_on_where_the_model_was(blobs, tmp_path, recorder):
    def train(name, **options):
        request = TrainSegmentation(
            dataset=blobs, model=str(tmp_path / f"{name}.safetensors"), batch_size=4, device="cpu", precision="float32",
            other_encoder=SMALL, **options,
        )  # fmt: skip
        return train_segmentation(request, recorder)

    taught = train("taught", epochs=5, learning_rate=0.003)
    on = train("on", epochs=1, learning_rate=1e-5, weights=taught.model)
    afresh = train("afresh", epochs=1, learning_rate=1e-5)
    assert on.best_iou > taught.best_iou - 0.02 > afresh.best_iou + 0.3
    assert any(f"unet with {SMALL}, all weights from {taught.model}" in note for note in recorder.notes)
