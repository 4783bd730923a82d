"""Many things report as one: what they have in common is said once."""

from geoseg.geoseg_plugin.engine.gathering import Gathering


def speak(gathering, name):
    heard = []
    one = gathering.report_of(
        f"scene {name}", [f"/data/{name}.tif", name], lambda fraction, text: heard.append((fraction, text))
    )
    one.progress(0.5, f"at {name}")
    one.note(f"Bands of /data/{name}.tif used: 1, 2")
    one.warn(f"{name} has {len(name)} odd pixels.")
    return one, heard


def test_notes_come_once_and_warnings_in_the_end(recorder):
    gathering = Gathering(recorder)
    heard = [speak(gathering, name)[1] for name in ("a", "bb", "ccc", "dddd", "eeeee", "ffffff")]
    assert heard[1] == [(0.5, "at bb")]
    assert recorder.notes == ["scene a: Bands of /data/a.tif used: 1, 2"]
    assert recorder.warnings == [] and recorder.fractions == []
    gathering.warn_once()
    assert recorder.warnings == [
        "scene a: a has 1 odd pixels. The same goes for scene bb, scene ccc, scene dddd and 2 more."
    ]


def test_what_differs_is_said_of_each_and_nothing_twice(recorder):
    gathering = Gathering(recorder)
    one, _ = speak(gathering, "a")
    two, _ = speak(gathering, "b")
    two.note("Something else")
    one.warn("scene a is too dark.")
    one.warn("scene a is too dark.")
    gathering.warn_once()
    gathering.warn_once()
    assert recorder.notes == ["scene a: Bands of /data/a.tif used: 1, 2", "scene b: Something else"]
    assert recorder.warnings == ["scene a: a has 1 odd pixels. The same goes for scene b.", "scene a is too dark."]


def test_all_hear_a_cancel(make_recorder):
    gathering = Gathering(make_recorder(lambda _: True))
    assert speak(gathering, "a")[0].is_cancelled()


def test_what_is_of_one_alone_is_said_of_a_hundred(recorder):
    gathering = Gathering(recorder)
    for number in range(103):
        one = gathering.report_of(f"scene {number}", [], lambda *_: None).alone()
        one.note("50 % water")
        one.note("found at 0.5")
    assert recorder.notes[:4] == [
        "scene 0: 50 % water", "scene 0: found at 0.5", "scene 1: 50 % water", "scene 1: found at 0.5",
    ]  # fmt: skip
    assert len(recorder.notes) == 200
