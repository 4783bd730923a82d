"""Where a file comes from: the hash of a model is always that of its bytes."""

import hashlib
import os
from pathlib import Path

from geoseg.geoseg_plugin.engine.provenance import digest_file, digest_models


def test_a_digest_follows_every_change_of_the_file(tmp_path):
    path = tmp_path / "model.onnx"
    for content in (b"one", b"two!", b"two?"):
        path.write_bytes(content)
        os.utime(path, ns=(0, len(content) * 10**9 + content[-1]))
        assert digest_file(str(path)) == hashlib.sha256(content).hexdigest()
        assert digest_file(str(path)) == hashlib.sha256(content).hexdigest()


def test_the_digests_of_models_keep_their_order(tmp_path):
    paths = [str(tmp_path / name) for name in ("b.onnx", "a.onnx")]
    for path in paths:
        Path(path).write_text(path, encoding="utf-8")
    assert digest_models(paths) == " ".join(hashlib.sha256(path.encode()).hexdigest() for path in paths)
