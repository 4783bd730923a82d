"""The comparison of networks: what is asked for, and what goes into the table."""

import json
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
EPOCHS = 10


@pytest.fixture
def script(monkeypatch, tmp_path):
    """The script, with trainings of so many epochs, or as many as are asked for; its requests are in `asked`."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import real_networks

    asked = []

    class FakeChain:
        def run(self, algorithm, **request):
            asked.append((algorithm, request))
            if request.get("ARCHITECTURE") == "broken":
                sys.exit("geoseg:trainsegmentation failed.")
            count = EPOCHS if "TIME_BUDGET" in request else request.get("EPOCHS")
            return {"PIXELS_PER_SECOND": "2000000.0", "DEVICE": "cpu", "EPOCH_COUNT": str(count)}

    building = {"value": 1, "share": 0.5, "iou": 0.25, "f1": 0.4, "boundary_f1": 0.125}
    monkeypatch.setattr(real_networks, "OUT", tmp_path)
    monkeypatch.setattr(real_networks, "Chain", FakeChain)
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


def test_rows_and_requests(script, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("NETWORKS", "unet, cloudxnet")
    monkeypatch.setenv("BUDGET", "60")
    assert script.main() == 0
    trained = [request for algorithm, request in script.asked if algorithm == "trainsegmentation"]
    assert [(one["ARCHITECTURE"], one["ENCODER"], one["TIME_BUDGET"]) for one in trained] == [
        ("unet", "resnet18", 60), ("cloudxnet", "auto", 60),
    ]  # fmt: skip
    mapped = [request["INPUT"].stem for algorithm, request in script.asked if algorithm == "predictsegmentation"]
    assert mapped == ["banepa_C1", "banepa_C2"] * 2
    (tiles,) = [request for algorithm, request in script.asked if algorithm == "maketiles"]
    assert [scene.stem for scene in tiles["IMAGES"]] == ["banepa_A1", "banepa_B1"]
    rows = json.loads((tmp_path / "networks.json").read_text(encoding="utf-8"))
    assert (rows[0]["epochs"], rows[0]["mpixel_per_s"]) == (EPOCHS, 2.0)
    table = (tmp_path / "networks.md").read_text(encoding="utf-8")
    assert "| unet | resnet18 | 0.250 | 0.400 | 0.125 | 1,234,567 | 2.00 | 10 | 0.0 | cpu |" in table
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
