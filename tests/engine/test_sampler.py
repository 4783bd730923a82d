"""What an epoch shows, as asked for."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.errors import InputError, RequestError
from geoseg.geoseg_plugin.contract.stages.training import TrainSegmentation
from geoseg.geoseg_plugin.engine.training.sampling.sampler import build_sampler, epoch_length
from geoseg.tests.engine.counted import write_counted

NAMES = ("ground", "roof", "water", "lava")
GROUND, ROOF, BOTH = [64, 0, 0, 0], [40, 24, 0, 0], [40, 8, 16, 0]
COUNTS = np.array([GROUND, ROOF, GROUND, GROUND, BOTH, GROUND, ROOF, ROOF, GROUND, GROUND, GROUND, [0, 0, 0, 0]])
SHOWS = COUNTS > 0


@pytest.fixture(name="build")
def _build(tmp_path, recorder):
    """Builds a sampler for tiles that show what COUNTS tells, unless told otherwise."""

    def run(sampling, counts=COUNTS, **options):
        dataset = write_counted(tmp_path / "counted", counts, NAMES)
        request = TrainSegmentation(
            dataset=str(dataset.folder), model="m.safetensors", sampling=sampling, seed=7, **options
        )
        return build_sampler(request, dataset, dataset.tiles, epoch_length(request, len(counts), 1.0), recorder)

    return run


def test_by_default_every_tile_comes_once_in_the_order_of_seed_and_epoch(build, recorder):
    sampler = build("every tile")
    assert [sampler.draw(epoch).tolist() for epoch in (1, 2)] == [
        np.random.default_rng([7, epoch]).permutation(12).tolist() for epoch in (1, 2)
    ]
    assert (sampler.wants_errors, sampler.state()) == (False, {})
    assert recorder.notes == recorder.warnings == []


@pytest.mark.parametrize(
    ("asked", "shown", "length"),
    [(0, 512, 45), (0, 256, 180), (0, 96, 1280), (7, 256, 7), (7, 512, 7)],
)
def test_an_epoch_has_the_pixels_of_all_tiles(asked, shown, length):
    request = TrainSegmentation(dataset="d", model="m.safetensors", epoch_tiles=asked)
    assert epoch_length(request, 45, (shown / 512) ** 2) == length


def test_an_epoch_has_the_length_asked_for(build, recorder):
    sampler = build("every tile", epoch_tiles=5)
    assert [len(sampler.draw(epoch)) for epoch in (1, 2)] == [5, 5]
    assert len(set(sampler.draw(1)) | set(sampler.draw(2))) == 10
    assert recorder.notes == ["An epoch shows 5 tiles or parts; in time, all 12 training tiles come equally often."]


@pytest.mark.parametrize(
    ("share", "tiles", "due"),
    [(50, 0, 6), (25, 0, 3), (50, 7, 4), (30, 5, 2), (33.3, 11, 4), (90, 31, 28), (1, 12, 0), (0, 7, 0), (100, 7, 7)],
)
def test_the_share_of_tiles_with_a_target_is_exact(build, share, tiles, due):
    sampler, total = build("target share", target_share=share, epoch_tiles=tiles), np.zeros(12, int)
    with_target = np.array([1, 4, 6, 7])
    for epoch in range(1, 12):
        drawn = sampler.draw(epoch)
        assert len(drawn) == (tiles or 12)
        assert np.isin(drawn, with_target).sum() == due
        total += np.bincount(drawn, minlength=12)
    assert np.ptp(total[with_target]) <= 1
    assert np.ptp(np.delete(total, with_target)) <= 1


def test_target_classes_are_those_named(build, recorder):
    drawn = build("target share", target_classes="water", target_share=25).draw(1)
    assert drawn.tolist().count(4) == 3
    assert "3 tiles with a target class ('water'; there are 1), and 9 without (11)" in recorder.notes[0]


def test_a_class_that_does_not_exist_cannot_be_the_target(build):
    with pytest.raises(RequestError, match="'snow'") as caught:
        build("target share", target_classes="roof, snow")
    assert "ground, roof, water, lava" in caught.value.fix


@pytest.mark.parametrize(
    ("options", "said", "fix"),
    [
        ({"target_classes": "lava"}, r"No training tile .*'lava'.* 50 %", "TARGET_SHARE to 0"),
        ({"target_classes": "lava", "target_share": 100}, "No training tile shows", "TARGET_SHARE to 0"),
        ({"counts": COUNTS[[1, 4, 6]]}, "All training tiles show a target", "TARGET_SHARE to 100"),
        ({"counts": COUNTS[[1, 4, 6]], "target_share": 0}, "All training tiles show a target", "TARGET_SHARE to 100"),
    ],
)
def test_a_share_for_which_there_are_no_tiles_is_refused(build, options, said, fix):
    with pytest.raises(InputError, match=said) as caught:
        build("target share", **options)
    assert fix in caught.value.fix


@pytest.mark.parametrize(
    ("options", "only"),
    [
        ({"target_classes": "lava", "target_share": 0}, range(12)),
        ({"counts": COUNTS[[1, 4, 6]], "target_share": 100}, range(3)),
    ],
)
def test_tiles_of_a_kind_that_is_not_needed_may_be_missing(build, recorder, options, only):
    assert sorted(build("target share", **options).draw(1)) == list(only)
    assert recorder.warnings == []


@pytest.mark.parametrize(("share", "kind"), [(10, "none with"), (90, "none without")])
def test_a_share_that_comes_to_nothing_is_pointed_out(build, recorder, share, kind):
    build("target share", target_share=share, epoch_tiles=3)
    assert [kind in warning and "EPOCH_TILES" in warning for warning in recorder.warnings] == [True]


@pytest.mark.parametrize("tiles", [0, 2, 10, 31])
def test_classes_get_equal_parts_of_the_draws(build, recorder, tiles):
    # As each tile shows one class only, the tiles tell for which class they were drawn.
    counts = np.array([GROUND, GROUND, [0, 64, 0, 0], [0, 64, 0, 0], [0, 64, 0, 0], [0, 0, 64, 0]])
    sampler, length = build("class-balanced", counts=counts, epoch_tiles=tiles), tiles or 6
    total = np.zeros(3, int)
    for epoch in range(1, 9):
        times = np.bincount(sampler.draw(epoch), minlength=6)
        each = np.add.reduceat(times, [0, 2, 5])
        assert each.sum() == length
        assert np.ptp(each) <= 1
        assert np.ptp(times[:2]) <= 1
        assert np.ptp(times[2:5]) <= 1
        total += each
    assert np.ptp(total) <= 1
    assert ["'lava'" in warning for warning in recorder.warnings] == [True]
    each = "'ground' (2), 'roof' (3), 'water' (1)"
    assert recorder.notes == [f"An epoch shows {length} tiles, in equal parts of those with {each}."]


def test_a_tile_can_stand_for_each_class_that_it_shows(build):
    sampler = build("class-balanced")
    drawn = np.concatenate([sampler.draw(epoch) for epoch in range(1, 12)])
    times = np.bincount(drawn, minlength=12)  # 132 draws: 44 of each class
    assert times[11] == 0
    assert times[4] >= 44 + 44 // 4
    assert times[[1, 6, 7]].min() >= 44 // 4
    assert times[~SHOWS[:, 1]][:-1].max() <= 44 // 11


def test_hard_examples_need_no_numbers_in_the_layer(build):
    sampler = build("hard examples", counts=np.full((12, 4), np.nan), epoch_tiles=30)
    assert sampler.wants_errors
    assert len(sampler.draw(1)) == 30


@pytest.mark.parametrize("sampling", ["target share", "class-balanced"])
def test_what_needs_the_layer_says_how_to_do_without(build, sampling):
    with pytest.raises(InputError, match="class_0") as caught:
        build(sampling, counts=np.full((12, 4), np.nan))
    assert "SAMPLING to 'every tile' or 'hard examples'" in caught.value.fix
