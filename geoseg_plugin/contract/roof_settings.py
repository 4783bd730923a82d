"""The settings.json of the roofs system (https://github.com/akshatgoel92/roof-classify), read as parameters of ours.

Network, loss, optimizer and patience are fixed in its code: here they come from the preset.
"""

from __future__ import annotations

import json
import math
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple

from .errors import RequestError
from .presets import PRESET, ROOFS

_ABOUT_FILES = ("path_args", "checkpoint_args", "extension_args")
_LOADING, _MODEL, _TRAINING, _OUTPUT = "load_dataset_args", "model_args", "training_args", "output_args"
BLOCKS = (*_ABOUT_FILES, _LOADING, _MODEL, _TRAINING, _OUTPUT)

# Entries with a counterpart, by all names that Keras and these settings have for them.
_BATCH, _EPOCHS, _STEPS = ("batch_size", "batch"), ("epochs",), ("steps_per_epoch", "steps", "train_steps")
_RESCALE, _ZOOM, _FLIP = ("rescale",), ("zoom_range", "zoom"), ("horizontal_flip", "hflip", "flip")
# Entries that change nothing when they are like this: the network, and training, are so anyway.
_BUILT_IN: Dict[str, Dict[str, Any]] = {
    _MODEL: {
        "filters": 64, "upconv_filters": 96, "num_layers": 4, "kernel_size": 3, "pool_size": 2, "activation": "relu",
        "padding": "same", "kernel_initializer": "he_normal",
    },
    _TRAINING: {"pretrained": False},
    _OUTPUT: {"kernel_size": 1, "activation": "sigmoid", "padding": "valid"},
}  # fmt: skip


def has_roof_settings(content: Mapping[str, Any]) -> bool:
    """Tell whether the content of a JSON file has a block of such settings."""
    return any(block in content for block in BLOCKS)


def read_roof_settings(content: Mapping[str, Any]) -> Tuple[Dict[str, Any], Tuple[str, ...]]:
    """Turn settings into parameters.

    Args:
        content: The blocks, each with its entries.

    Returns:
        Values by field name, and the entries without a counterpart, each with its block and value.

    Raises:
        RequestError: The value of an entry is none that it can have.
    """
    from_file = ("epochs", "batch_size", "scaling", "divisor", "scale", "flips")
    values = {name: value for name, value in PRESET[ROOFS].values.items() if name not in from_file}
    # Keras does neither unless it is told to.
    values.update(flips=False, scale=0.0)
    unmatched: List[str] = []
    for block, name, value in _entries(content):
        found = _counterpart(name, value, f"{block}.{name}") if block in (_LOADING, _TRAINING) else None
        if found is not None:
            values.update(found)
        elif name not in _BUILT_IN.get(block, {}) or _one_side(value) != _BUILT_IN[block][name]:
            unmatched.append(f"{block}.{name} {json.dumps(value, ensure_ascii=False)}" if name else block)
    steps = values.pop("steps", None)
    if steps is not None:
        batch = values.get("batch_size", PRESET[ROOFS].values["batch_size"])
        values["epoch_tiles"] = steps * _positive(batch, _BATCH[0])
    return values, tuple(unmatched)


def _entries(content: Mapping[str, Any]) -> Iterator[Tuple[str, str, Any]]:
    """Return block, name and value of each entry; blocks about files, and what are no blocks, whole without a name."""
    for block, entries in content.items():
        if block in _ABOUT_FILES or not isinstance(entries, Mapping):
            yield block, "", entries
        else:
            for name, value in entries.items():
                yield block, name, value


def _counterpart(name: str, value: Any, place: str) -> Optional[Dict[str, Any]]:
    """Return what an entry sets, with "steps" for what needs the batch size as well; None where nothing is like it."""
    if name in _BATCH:
        return {"batch_size": value}
    if name in _EPOCHS:
        return {"epochs": value}
    if name in _STEPS:
        return {"steps": _positive(value, place)}
    if name in _FLIP:
        return {"flips": bool(value) if value in (0, 1) else value}
    if name in _ZOOM:
        return {"scale": 100 * _positive(value, place) if value else 0.0}
    if name in _RESCALE:
        divisor = _positive(value, place)
        # In Keras it is a factor, 1/255; in these settings what pixels are divided by.
        return {"scaling": "divide", "divisor": 1 / divisor if divisor < 1 else divisor}
    return None


def _one_side(value: Any) -> Any:
    """Return the one number of sides that are all the same, such as [3, 3], and all else as it is."""
    return value[0] if isinstance(value, list) and value and value.count(value[0]) == len(value) else value


def _positive(value: Any, place: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value <= 0:
        raise RequestError(f"{place} is {value!r}.", "Give a number above 0.")
    return value
