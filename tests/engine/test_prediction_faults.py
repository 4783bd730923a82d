"""What is left when the disk, the image or the memory give way in the middle of a prediction: an error that says so."""

import subprocess

import numpy as np
import pytest
import rasterio
from geoseg.geoseg_plugin.contract.errors import GeosegError, InputError
from geoseg.geoseg_plugin.engine.prediction.networks.onnx_network import OnnxNetwork
from geoseg.geoseg_plugin.engine.prediction.windows.blending import Blender
from geoseg.geoseg_plugin.engine.run import run
from geoseg.tests.engine.listener import Listener
from geoseg.tests.engine.mapping import ask, read_results, write_scene

USER_FILES = {"map.tif": b"an older map", "notes.txt": b"of the user"}
NOTHING = dict.fromkeys(("probabilities", "confidence", "polygons", "picture"))


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    return write_scene(tmp_path_factory.mktemp("scene"), shape=(1300, 600))


@pytest.fixture
def small_disk(tmp_path):
    """Makes a file system of some size, with files of the user; called again it changes the size."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = []

    def mount(size):
        options = f"{'remount,' if mounted else ''}size={size}"
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            pytest.skip("There is no mount to make a small file system with.")
        if done.returncode:
            pytest.skip(f"A small file system cannot be made here: {done.stderr.strip()}")
        if not mounted:
            mounted.append(folder)
            for name, content in USER_FILES.items():
                (folder / name).write_bytes(content)
        return folder

    yield mount
    if mounted:
        subprocess.run(["umount", str(folder)], check=True)


def others(folder):
    """Return what is in a folder beside the files of the user, which must be as they were."""
    assert {name: (folder / name).read_bytes() for name in USER_FILES} == USER_FILES
    return [path.name for path in folder.iterdir() if path.name not in USER_FILES]


def leave_user_files(folder):
    folder.mkdir(exist_ok=True)
    for name, content in USER_FILES.items():
        (folder / name).write_bytes(content)
    return folder


FULL = {
    "while the map is written": ("48k", {}),
    "while probabilities are written": ("400k", {"probabilities": "p.tif"}),
    "while polygons are written": ("200k", {"polygons": "areas.gpkg"}),
    "while an array is written": ("400k", {"array": "p.npy"}),
    "while the whole map is waited for": ("400k", {"smoothing": 1}),
    "while a COG is made": ("10m", {"format": "COG", "probabilities": "p.tif"}),
    "while parts are shared": ("400k", {"devices": 2, "device": "cpu"}),
}


@pytest.mark.parametrize(("size", "options"), FULL.values(), ids=FULL)
def test_a_full_disk_is_an_error_and_leaves_nothing(scene, small_disk, size, options):
    folder = small_disk(size)
    options = {name: str(folder / one) if "." in str(one) else one for name, one in options.items()}
    with pytest.raises(GeosegError, match=r"room|disk"):
        run(ask(scene, folder, **{**NOTHING, **options}), Listener())
    assert others(folder) == []


def test_with_resume_a_run_goes_on_when_there_is_room_again(scene, small_disk, tmp_path):
    folder = small_disk("3m")
    with pytest.raises(GeosegError, match="no room left on the disk"):
        run(ask(scene, folder, **NOTHING, resume=True), Listener())
    assert others(folder) == ["map.tif.unfinished"]
    strips = list((folder / "map.tif.unfinished").iterdir())
    assert len(strips) > 1
    assert not [path for path in strips if path.suffix == ".part"]
    small_disk("60m")
    listener = Listener()
    run(ask(scene, folder, **NOTHING, resume=True), listener)
    assert any("of the windows are kept" in note for note in listener.notes)
    run(ask(scene, tmp_path / "whole", **NOTHING), Listener())
    whole = read_results(tmp_path / "whole")
    assert read_results(folder) == {**whole, "notes.txt": None}


@pytest.mark.parametrize(("compression", "devices"), [("deflate", 1), ("lzw", 1), (None, 1), ("deflate", 2)])
def test_an_image_that_is_cut_off_is_named_and_leaves_nothing(tmp_path, compression, devices):
    _, model = write_scene(tmp_path, shape=(64, 64))
    path = tmp_path / "cut.tif"
    noise = np.random.default_rng(0).integers(1, 255, (3, 900, 300), dtype=np.uint8)
    profile = {"driver": "GTiff", "dtype": "uint8", "count": 3, "height": 900, "width": 300, "compress": compression}
    with rasterio.open(path, "w", tiled=True, blockxsize=64, blockysize=64, **profile) as dataset:
        dataset.write(noise)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 6 // 10])
    folder = leave_user_files(tmp_path / "out")
    with pytest.raises(InputError, match=r"cut\.tif cannot be (read around row|opened)"):
        run(ask((str(path), model), folder, devices=devices, device="cpu"), Listener())
    assert others(folder) == []


def allow(monkeypatch, most):
    """Let the network take no more than so many windows at a time."""
    infer = OnnxNetwork._infer

    def take(self, windows):
        if len(windows) > most:
            raise MemoryError
        return infer(self, windows)

    monkeypatch.setattr(OnnxNetwork, "_infer", take)


def test_with_little_memory_batches_become_smaller_and_the_map_stays(scene, tmp_path, monkeypatch):
    run(ask(scene, tmp_path / "whole", batch_size=1), Listener())
    allow(monkeypatch, 3)
    run(ask(scene, tmp_path / "parts", batch_size=16), Listener())
    assert read_results(tmp_path / "parts") == read_results(tmp_path / "whole")


def test_no_memory_for_a_single_window_is_said_and_leaves_nothing(scene, tmp_path, monkeypatch):
    allow(monkeypatch, 0)
    folder = leave_user_files(tmp_path / "out")
    with pytest.raises(GeosegError, match=r"not enough memory on cpu .* for one window of 128 pixels") as caught:
        run(ask(scene, folder, batch_size=4), Listener())
    assert "smaller TILE_SIZE" in caught.value.fix
    assert others(folder) == []


@pytest.mark.parametrize("resume", [False, True])
def test_no_memory_elsewhere_is_said_and_leaves_nothing(scene, tmp_path, monkeypatch, resume):
    def fail(*_):
        raise MemoryError

    monkeypatch.setattr(Blender, "take", fail)
    folder = leave_user_files(tmp_path / "out")
    with pytest.raises(GeosegError, match=r"There was not enough memory\. Use a smaller tile"):
        run(ask(scene, folder, resume=resume), Listener())
    assert others(folder) == (["map.tif.unfinished"] if resume else [])
