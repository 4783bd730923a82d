"""Free memory: that of the machine, or of the container."""

import psutil
import pytest
from geoseg.geoseg_plugin.engine import memory


@pytest.mark.parametrize(("limit", "limited"), [("4096\n", True), ("max\n", False), (None, False)])
def test_a_container_may_have_less_than_the_machine(monkeypatch, tmp_path, limit, limited):
    path = tmp_path / "memory.max"
    if limit is not None:
        path.write_text(limit)
    monkeypatch.setattr(memory, "_LIMIT", path)
    free = memory.free_memory()
    assert (free == 4096) is limited
    assert free <= psutil.virtual_memory().total
