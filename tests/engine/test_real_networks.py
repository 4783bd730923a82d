"""The comparison of networks: how many epochs fit into a budget, and what goes into the table."""

import json
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
EPOCH_S = 4.0
START_S = 20.0


@pytest.fixture
def script(monkeypatch, tmp_path):
    """The script, on a machine where an epoch takes EPOCH_S and all else START_S; its requests are in `asked`."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import real_networks

    asked = []

    class FakeChain:
        def __init__(self):
            self.said = []

        def run(self, algorithm, **request):
            asked.append((algorithm, request))
            if request.get("ARCHITECTURE") == "broken":
                sys.exit("geoseg:trainsegmentation failed.")
            self.said = ["Epoch 1: loss 0.9, mean IoU 0.2 (a 0.3, b 0.1), 9.0 s", f"Epoch 2: loss 0.8, {EPOCH_S} s"]
            return {"PIXELS_PER_SECOND": "2000000.0", "DEVICE": "cpu"}

    def timed(chain, **request):
        chain.run("trainsegmentation", **request)
        return START_S + EPOCH_S * request["EPOCHS"]

    building = {"value": 1, "share": 0.5, "iou": 0.25, "f1": 0.4, "boundary_f1": 0.125}
    monkeypatch.setattr(real_networks, "OUT", tmp_path)
    monkeypatch.setattr(real_networks, "Chain", FakeChain)
    monkeypatch.setattr(real_networks, "timed", timed)
    monkeypatch.setattr(real_networks, "count", lambda model: {"encoder": "resnet18", "parameters": 1_234_567})
    monkeypatch.setattr(real_networks, "measure", lambda truth, maps: {"classes": [building]})
    data = tmp_path / "banepa_buildings" / "scenes"
    data.mkdir(parents=True)
    for name in ("A1", "B1", "C1", "C2"):
        (data / f"banepa_{name}.tif").touch()
    monkeypatch.setenv("GEOSEG_DATA", str(tmp_path))
    for name in ("NETWORKS", "BUDGET", "EPOCHS", "BATCH_SIZE", "SEED", "TILE_SIZE", "OVERLAP"):
        monkeypatch.delenv(name, raising=False)
    real_networks.asked = asked
    return real_networks


def test_as_many_epochs_as_fit_into_the_budget(script):
    assert script.epoch_seconds(["Loss: dice", "Epoch 1: loss 0.5, mean IoU 0.1 (a 0.1), 12.3 s"]) == 12.3
    assert script.epochs_within(900, 50, 10) == 86
    assert script.epochs_within(10, 50, 10) == 1


def test_rows_and_requests(script, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("NETWORKS", "unet, cloudxnet")
    monkeypatch.setenv("BUDGET", "60")
    assert script.main() == 0
    trained = [request for algorithm, request in script.asked if algorithm == "trainsegmentation"]
    assert [(one["ARCHITECTURE"], one["ENCODER"], one["EPOCHS"]) for one in trained] == [
        ("unet", "resnet18", 1), ("unet", "resnet18", 10), ("cloudxnet", "auto", 1), ("cloudxnet", "auto", 10),
    ]  # fmt: skip
    mapped = [request["INPUT"].stem for algorithm, request in script.asked if algorithm == "predictsegmentation"]
    assert mapped == ["banepa_C1", "banepa_C2"] * 2
    (tiles,) = [request for algorithm, request in script.asked if algorithm == "maketiles"]
    assert [scene.stem for scene in tiles["IMAGES"]] == ["banepa_A1", "banepa_B1"]
    rows = json.loads((tmp_path / "networks.json").read_text(encoding="utf-8"))
    assert rows[0]["budget_s"] == 60
    assert (rows[0]["minutes"], rows[0]["mpixel_per_s"]) == (1.0, 2.0)
    table = (tmp_path / "networks.md").read_text(encoding="utf-8")
    assert "| unet | resnet18 | 0.250 | 0.400 | 0.125 | 1,234,567 | 2.00 | 10 | 1.0 | cpu |" in table
    assert table in capsys.readouterr().out


def test_rows_of_earlier_runs_stay_and_a_failure_stops_nothing(script, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("EPOCHS", "100")
    for names in ("unet", "broken gscnn"):
        monkeypatch.setenv("NETWORKS", names)
        status = script.main()
    assert status == 1
    rows = json.loads((tmp_path / "networks.json").read_text(encoding="utf-8"))
    assert {row["network"]: row["epochs"] for row in rows} == {"unet": 100, "gscnn": 100}
    assert "broken: geoseg:trainsegmentation failed." in capsys.readouterr().out


def test_without_real_imagery_it_says_what_to_do(script, monkeypatch, tmp_path):
    monkeypatch.setenv("GEOSEG_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(SystemExit, match="set GEOSEG_DATA"):
        script.main()
