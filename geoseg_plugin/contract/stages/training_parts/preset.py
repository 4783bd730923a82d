"""Settings of others, taken as a whole: of a published system, or from a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Set, Tuple

from ...fields import Kind, ask, fields_of, value_in_words
from ...preset_file import Settings, read_settings
from ...presets import NO_PRESET, PRESET, PRESETS
from ..stage import Stage
from .augmentation import VariesTiles
from .network import ChoosesNetwork
from .objective import ChoosesLoss
from .sampling import ChoosesTiles
from .scaling import ScalesPixels
from .steps import ChoosesSteps

# What settings can set; the other fields say what a single run learns from, on what, and where results go.
_PARTS = (ChoosesNetwork, ChoosesLoss, ChoosesTiles, ScalesPixels, VariesTiles, ChoosesSteps)
SETTABLE: Tuple[str, ...] = tuple(field.name for part in _PARTS for field in fields_of(part))

# Values that mean something together with others alone: they are not taken where one of those is chosen otherwise.
_GO_WITH: Mapping[str, Tuple[str, ...]] = {
    "encoder": ("architecture",),
    "other_encoder": ("architecture", "encoder"),
    "weights": ("architecture",),
    "frozen_epochs": ("architecture",),
    "loss_formula": ("loss",),
    "given_weights": ("class_weights",),
    "target_classes": ("sampling",),
    "divisor": ("scaling",),
    "learning_rate": ("optimizer",),
    "weight_decay": ("optimizer",),
    "find_learning_rate": ("learning_rate",),
}


@dataclass(frozen=True, init=False, repr=False, eq=False)
class ChoosesPreset(Stage):
    """Where values come from that the user leaves at their defaults."""

    preset: str = ask(
        Kind.CHOICE, "Preset", "Settings of a published system, for all parameters that stand at their defaults; what "
        "you change stays as you set it. To get a default back, write it into a PRESET_FILE.", default=NO_PRESET,
        choices=(NO_PRESET, *PRESET), notes=("the values as they stand.", *(preset.note for preset in PRESETS)),
    )  # fmt: skip
    preset_file: str | None = ask(
        Kind.FILE, "Preset file", "Settings from a JSON file, taken as those of PRESET, over which they win: "
        "parameters by name, a job file, or the settings.json of the roofs system.", optional=True, advanced=True,
        suffixes=(".json",),
    )  # fmt: skip

    def complete(self) -> None:
        """Take the values of PRESET and PRESET_FILE."""
        super().complete()
        for name, value in _taken(self, _offered(self).values).items():
            object.__setattr__(self, name, value)


def describe_preset(request: ChoosesPreset) -> str:
    """Return what PRESET and PRESET_FILE of a request have set, and what not and why; empty where there is neither.

    Raises:
        RequestError: PRESET_FILE cannot be read any more.
    """
    if request.preset == NO_PRESET and request.preset_file is None:
        return ""
    offered = _offered(request)
    taken, replaced, without = _compare(request, offered.values)
    names = filter(None, [request.preset if request.preset != NO_PRESET else "", request.preset_file])
    parts = {
        f"Preset {' and '.join(names)}": taken or ["nothing"],
        "Your own values stay": replaced,
        "Left out, because you chose what they go with": without,
        "Not taken from the file, because they belong to one run": [name.upper() for name in offered.left_out],
        "Without a counterpart here, and so without effect": list(offered.unmatched),
    }
    return " ".join(f"{title}: {', '.join(items)}." for title, items in parts.items() if items)


def _compare(request: ChoosesPreset, values: Mapping[str, Any]) -> Tuple[List[str], List[str], List[str]]:
    """Return in words what of the offered values was taken, what the user's own replaced, and what was left out."""
    defaults, own = _defaults(request), _own(request, values)
    taken: List[str] = []
    replaced: List[str] = []
    without: List[str] = []
    for name, value in values.items():
        is_so = getattr(request, name)
        if is_so == value != defaults[name]:
            taken.append(f"{name.upper()} {value_in_words(value)}")
        elif is_so != value and is_so != defaults[name]:
            replaced.append(f"{name.upper()} {value_in_words(is_so)} (not {value_in_words(value)})")
        elif is_so != value:
            leaders = own.intersection(_GO_WITH.get(name, ())) or {"epochs"}
            of = " and ".join(sorted(leader.upper() for leader in leaders))
            without.append(f"{name.upper()} {value_in_words(value)} (with {of})")
    return taken, replaced, without


def _offered(request: ChoosesPreset) -> Settings:
    """Return all that PRESET and PRESET_FILE would set; the file wins."""
    preset = PRESET[request.preset].values if request.preset != NO_PRESET else {}
    if request.preset_file is None:
        return Settings(preset)
    settings = read_settings(request.preset_file, request.id(), fields_of(request), SETTABLE)
    defaults = _defaults(request)
    other = {name for name, value in settings.values.items() if value != preset.get(name, defaults[name])}
    values = {**_not_with(other, preset), **settings.values}
    return Settings(values, settings.left_out, settings.unmatched)


def _taken(request: ChoosesPreset, values: Mapping[str, Any]) -> Dict[str, Any]:
    """Return those of the offered values that stand where the user has none."""
    defaults = _defaults(request)
    fitting = _not_with(_own(request, values), values)
    taken = {name: value for name, value in fitting.items() if getattr(request, name) == defaults[name]}
    # So that a short try needs nothing else; an encoder cannot stay frozen to the end.
    if taken.get("frozen_epochs", 0) >= taken.get("epochs", getattr(request, "epochs", 0)):
        taken.pop("frozen_epochs", None)
    return taken


def _not_with(others: Set[str], values: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the values that do not go with any of these fields, which have other values than those they go with."""
    return {name: value for name, value in values.items() if not others.intersection(_GO_WITH.get(name, ()))}


def _own(request: ChoosesPreset, values: Mapping[str, Any]) -> Set[str]:
    """Return the names of fields that the user has set otherwise than the offered values, or defaults, are."""
    defaults = _defaults(request)
    return {
        name for name in SETTABLE if getattr(request, name) not in (defaults[name], values.get(name, defaults[name]))
    }


def _defaults(request: ChoosesPreset) -> Dict[str, Any]:
    return {field.name: field.default for field in fields_of(request)}
