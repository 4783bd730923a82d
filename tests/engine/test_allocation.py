"""Freed memory stays with the process."""

import subprocess
import sys

import pytest
from geoseg.geoseg_plugin.engine import allocation

COUNT_FAULTS = """
import resource
import runpy
import numpy as np

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

if {keep}:
    runpy.run_path({path!r})["keep_freed_memory"]()
np.ones(50_000_000, dtype=np.uint8)
before = faults()
for _ in range(10):
    np.ones(50_000_000, dtype=np.uint8)
print(faults() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="This is about glibc, the C library of Linux.")
def test_arrays_take_pages_that_the_process_has():
    """50 MB are 12 000 pages of 4 kB, or 24 of 2 MB."""
    kept, given_back = (
        int(subprocess.check_output([sys.executable, "-c", COUNT_FAULTS.format(keep=keep, path=allocation.__file__)]))
        for keep in (True, False)
    )
    assert kept < 100 < given_back
