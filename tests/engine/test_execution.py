"""A prediction that ended early goes on, and ends in the same results as one that was left alone."""

import json
from pathlib import Path

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.errors import Cancelled, GeosegError, OutputError
from geoseg.geoseg_plugin.engine import unfinished
from geoseg.geoseg_plugin.engine.prediction import placing, predict
from geoseg.geoseg_plugin.engine.prediction.keeping.store import Store
from geoseg.geoseg_plugin.engine.prediction.predict import predict_segmentation
from geoseg.geoseg_plugin.engine.run import run
from geoseg.tests.engine.handmade import make_card, write_pixelwise
from geoseg.tests.engine.listener import Listener
from geoseg.tests.engine.mapping import ask, read_results, write_scene

KEPT = "map.tif.unfinished"
VARIETIES = {
    "plain": {},
    "in sections": {"columns": 256},
    "thresholds that wait for the whole map": {"decision": "otsu", "smoothing": 1.5},
    "a part of the scene": {"extent": "300030,300290,2999400,2999970"},
    "windows without overlap": {"overlap": 0, "blending": "none", "batch_size": 3},
}


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    return write_scene(tmp_path_factory.mktemp("scene"), shape=(1300, 600))


@pytest.fixture
def written(monkeypatch):
    """The windows of strips as they are kept."""
    windows, write = [], Store.write
    monkeypatch.setattr(Store, "write", lambda self, strip: windows.append(strip.window) or write(self, strip))
    return windows


def stop_early(request, most=0.5):
    listener = Listener(lambda self: self.fractions[-1:] > [most])
    with pytest.raises(Cancelled) as caught:
        predict_segmentation(request, listener)
    return caught.value


def contents(folder):
    return {path.name: path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


@pytest.mark.parametrize("options", VARIETIES.values(), ids=VARIETIES)
def test_it_ends_as_if_it_had_never_been_interrupted(scene, tmp_path, options, written, monkeypatch):
    options = dict(options)
    monkeypatch.setattr(placing, "_REGION_COLUMNS", options.pop("columns", 8192))
    whole = predict_segmentation(ask(scene, tmp_path / "whole", **options), Listener())
    assert written == []
    error = stop_early(ask(scene, tmp_path / "parts", resume=True, **options))
    assert "what is finished is kept in" in error.message
    assert [path.name for path in (tmp_path / "parts").iterdir()] == [KEPT]
    before = list(written)
    listener = Listener()
    resumed = predict_segmentation(ask(scene, tmp_path / "parts", resume=True, **options), listener)
    after = written[len(before) :]
    assert before
    assert after
    assert not set(before) & set(after)
    assert listener.fractions == sorted(listener.fractions)
    assert any("of the windows are kept in" in note for note in listener.notes)
    assert read_results(tmp_path / "parts") == read_results(tmp_path / "whole")
    assert resumed.mean_confidence == pytest.approx(whole.mean_confidence, rel=1e-12)


def test_it_goes_on_more_than_once_and_without_interruption_too(scene, tmp_path, written):
    predict_segmentation(ask(scene, tmp_path / "whole", resume=True), Listener())
    everything = len(written)
    written.clear()
    for most in (0.3, 0.6):
        stop_early(ask(scene, tmp_path / "parts", resume=True), most)
    predict_segmentation(ask(scene, tmp_path / "parts", resume=True), Listener())
    assert len(written) == everything
    assert read_results(tmp_path / "parts") == read_results(tmp_path / "whole")


def test_progress_starts_where_it_stopped(scene, tmp_path):
    stop_early(ask(scene, tmp_path, resume=True), 0.6)
    listener = Listener()
    predict_segmentation(ask(scene, tmp_path, resume=True), listener)
    assert min(fraction for fraction in listener.fractions if fraction > 0.01) > 0.25


def test_damaged_and_half_written_strips_are_computed_again(scene, tmp_path, written):
    predict_segmentation(ask(scene, tmp_path / "whole"), Listener())
    stop_early(ask(scene, tmp_path / "parts", resume=True), 0.7)
    paths = sorted((tmp_path / "parts" / KEPT).glob("*.strip"), key=lambda path: path.stat().st_mtime)
    assert len(paths) >= 2
    content = bytearray(paths[0].read_bytes())
    content[len(content) // 2] ^= 1
    paths[0].write_bytes(content)
    paths[1].write_bytes(paths[1].read_bytes()[:1000])
    (tmp_path / "parts" / KEPT / "row0_column0_1x1.strip.1-1.part").write_bytes(b"half")
    before = list(written)
    predict_segmentation(ask(scene, tmp_path / "parts", resume=True), Listener())
    assert set(before[:2]) <= set(written[len(before) :])
    assert read_results(tmp_path / "parts") == read_results(tmp_path / "whole")


def other_model(folder):
    path = folder / "other.onnx"
    return write_pixelwise(path, make_card(), [[0, 0, 0], [4, 0, 0], [0, 4, 0]], [0, -2, -2])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"overlap": 50}, "another OVERLAP: 25.0, now 50.0"),
        ({"decision": "otsu"}, "another DECISION: 'auto', now 'otsu'"),
        ({"probabilities": None}, "another PROBABILITIES"),
        ({"model": other_model}, "another MODEL"),
    ],
)
def test_another_request_is_refused_and_touches_nothing(scene, tmp_path, options, said):
    stop_early(ask(scene, tmp_path, resume=True))
    before = contents(tmp_path / KEPT)
    (tmp_path / "map.tif").write_bytes(b"of the user")
    options = {name: value(tmp_path) if callable(value) else value for name, value in options.items()}
    with pytest.raises(OutputError, match=said) as caught:
        predict_segmentation(ask(scene, tmp_path, resume=True, **options), Listener())
    assert f"remove {tmp_path / KEPT}, or choose another OUTPUT" in caught.value.fix
    assert contents(tmp_path / KEPT) == before
    assert (tmp_path / "map.tif").read_bytes() == b"of the user"


@pytest.mark.parametrize("what", ["image", "model"])
def test_a_changed_file_is_noticed(tmp_path, what):
    scene = write_scene(tmp_path)
    stop_early(ask(scene, tmp_path / "out", resume=True))
    if what == "image":
        write_scene(tmp_path, seed=1)
    else:
        write_pixelwise(tmp_path / "model.onnx", make_card(), np.zeros((3, 3)), [0, 1, 2])
    with pytest.raises(OutputError, match=rf"since which .*{what}.* has changed"):
        predict_segmentation(ask(scene, tmp_path / "out", resume=True), Listener())


def test_another_version_is_refused(scene, tmp_path, monkeypatch):
    stop_early(ask(scene, tmp_path, resume=True))
    monkeypatch.setattr(unfinished, "version", lambda: "99")
    with pytest.raises(OutputError, match="and this is another version"):
        predict_segmentation(ask(scene, tmp_path, resume=True), Listener())


def test_what_the_machine_is_may_differ(scene, tmp_path):
    stop_early(ask(scene, tmp_path, resume=True))
    predict_segmentation(ask(scene, tmp_path, resume=True, device="cpu", batch_size=4), Listener())
    assert not (tmp_path / KEPT).exists()


def test_what_was_chosen_is_not_chosen_anew(scene, tmp_path, monkeypatch):
    stop_early(ask(scene, tmp_path, resume=True))
    run_file = tmp_path / KEPT / "run.json"
    assert json.loads(run_file.read_text())["settled"] == {"precision": "float32", "backend": "onnxruntime"}
    asked, open_predictor = [], predict.open_predictor
    monkeypatch.setattr(
        predict, "open_predictor", lambda request, report: asked.append(request) or open_predictor(request, report)
    )
    predict_segmentation(ask(scene, tmp_path, resume=True), Listener())
    assert [(one.precision, one.backend) for one in asked] == [("float32", "onnxruntime")]


def test_without_resume_what_is_kept_is_left_alone(scene, tmp_path):
    stop_early(ask(scene, tmp_path, resume=True))
    before = contents(tmp_path / KEPT)
    listener = Listener()
    predict_segmentation(ask(scene, tmp_path, overlap=50), listener)
    assert any("holds an unfinished run, which RESUME would go on with" in text for text in listener.warnings)
    assert contents(tmp_path / KEPT) == before
    listener = Listener()
    predict_segmentation(ask(scene, tmp_path / "other"), listener)
    assert not any("unfinished" in text for text in listener.warnings)


def test_a_full_disk_is_an_error_that_keeps_what_is_there(scene, tmp_path, monkeypatch):
    stop_early(ask(scene, tmp_path, resume=True))
    before = contents(tmp_path / KEPT)

    def fail(*_):
        raise OSError(28, "No space left on device")

    listener = Listener()
    with monkeypatch.context() as patched:
        patched.setattr("geoseg.geoseg_plugin.engine.prediction.keeping.store.os.fsync", fail)
        with pytest.raises(OutputError, match="no room left on the disk"):
            run(ask(scene, tmp_path, resume=True), listener)
    assert any("RESUME goes on" in note for note in listener.notes)
    assert contents(tmp_path / KEPT) == before
    assert [path.name for path in tmp_path.iterdir()] == [KEPT]
    predict_segmentation(ask(scene, tmp_path, resume=True), Listener())
    assert not (tmp_path / KEPT).exists()


def test_too_little_room_is_warned_of_before(scene, tmp_path, monkeypatch):
    full = lambda path: type("Usage", (), {"free": 2**20})  # noqa: E731
    monkeypatch.setattr("geoseg.geoseg_plugin.engine.prediction.keeping.execution.shutil.disk_usage", full)
    listener = Listener()
    predict_segmentation(ask(scene, tmp_path, resume=True), listener)
    assert any("may take 0.0 GiB" in text and "0.0 GiB left" in text for text in listener.warnings)


def test_a_fault_says_how_to_go_on(scene, tmp_path, monkeypatch):
    def fail(*_):
        raise GeosegError("The network fails.")

    listener = Listener()
    with monkeypatch.context() as patched:
        patched.setattr("geoseg.geoseg_plugin.engine.prediction.results.direct.DirectResults.finish", lambda *_: fail())
        with pytest.raises(GeosegError, match=r"The network fails\."):
            predict_segmentation(ask(scene, tmp_path, resume=True), listener)
    assert any("RESUME goes on" in note for note in listener.notes)
    listener = Listener()
    predict_segmentation(ask(scene, tmp_path, resume=True), listener)
    assert any("100 % of the windows are kept" in note for note in listener.notes)
