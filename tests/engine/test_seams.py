"""The measure of seams is 1 on a map without any, and the ratio of the jumps on one with seams of a known height."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
import seams

SIZE = 64


def seam_ratio(make_raster, monkeypatch, capsys, probabilities, overlap):
    path = make_raster("probabilities.tif", probabilities)
    monkeypatch.setattr(sys, "argv", ["seams.py", "--size", str(SIZE), "--overlap", str(overlap), str(path)])
    assert seams.main() == 0
    return float(capsys.readouterr().out)


def ramp(height, width):
    """Return (1, H, W) that rises by one hundredth from pixel to pixel, both ways."""
    return (np.arange(height)[:, None] + np.arange(width))[None].astype(np.float32) / 100


@pytest.mark.parametrize("overlap", [0, 25])
def test_an_even_slope_has_no_seams(make_raster, monkeypatch, capsys, overlap):
    assert seam_ratio(make_raster, monkeypatch, capsys, ramp(150, 200), overlap) == pytest.approx(1, abs=1e-3)


def test_jumps_between_windows_are_seen(make_raster, monkeypatch, capsys):
    probabilities = ramp(SIZE, 4 * SIZE)
    probabilities[:, :, SIZE:] += 0.05
    probabilities[:, :, 2 * SIZE :] += 0.05
    probabilities[:, :, 3 * SIZE :] += 0.05
    assert seam_ratio(make_raster, monkeypatch, capsys, probabilities, 0) == pytest.approx(6, abs=1e-2)


def test_jumps_elsewhere_are_no_seams(make_raster, monkeypatch, capsys):
    probabilities = ramp(SIZE, 4 * SIZE)
    probabilities[:, :, SIZE + 7 :] += 0.05
    assert seam_ratio(make_raster, monkeypatch, capsys, probabilities, 0) < 1
