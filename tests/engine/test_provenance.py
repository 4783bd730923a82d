"""Where a file comes from: the hash of a model is always that of its bytes."""

import hashlib
import os

from geoseg.geoseg_plugin.engine.provenance import digest_file


def test_a_digest_follows_every_change_of_the_file(tmp_path):
    path = tmp_path / "model.onnx"
    for content in (b"one", b"two!", b"two?"):
        path.write_bytes(content)
        os.utime(path, ns=(0, len(content) * 10**9 + content[-1]))
        assert digest_file(str(path)) == hashlib.sha256(content).hexdigest()
        assert digest_file(str(path)) == hashlib.sha256(content).hexdigest()
