"""Sums of losses as users write them."""

import pytest
from geoseg.geoseg_plugin.contract.errors import RequestError
from geoseg.geoseg_plugin.contract.loss_formula import LOSS_ARGUMENTS, SMOOTHED_LOSSES, Term, parse_losses
from geoseg.geoseg_plugin.contract.stages.training import TrainSegmentation
from geoseg.geoseg_plugin.contract.stages.training_parts.objective import CLASS_WEIGHTS, LOSSES
from geoseg.models.losses.loss import LossSettings, SummedLoss
from torch import zeros


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("dice", [Term(1, "dice", ())]),
        ("Cross Entropy + 2 * F-Beta(0.5)", [Term(1, "cross entropy", ()), Term(2, "f-beta", (0.5,))]),
        ("0.5*tversky(.4,.6)+f2", [Term(0.5, "tversky", (0.4, 0.6)), Term(1, "f2", ())]),
        (" cross   entropy+1e-3 *focal( 3 ) ", [Term(1, "cross entropy", ()), Term(1e-3, "focal", (3,))]),
        ("tversky(0.4)", [Term(1, "tversky", (0.4, 0.7))]),
        ("focal()", [Term(1, "focal", (2,))]),
        ("1e+1*dice+1.e+0 * f1", [Term(10, "dice", ()), Term(1, "f1", ())]),
        ("f-beta", [Term(1, "f-beta", (2,))]),
    ],
)  # fmt: skip
def test_sums_are_read(text, terms):
    assert parse_losses(text) == tuple(terms)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hinge", "no loss 'hinge'"),
        ("", "A loss is missing in ''"),
        (" ", "A loss is missing in ' '"),
        ("dice +", "A loss is missing in 'dice \\+'"),
        ("dice + + jaccard", "A loss is missing in 'dice \\+ \\+ jaccard'"),
        ("dice * 2", "no loss '2'"),
        ("focal(2", "no loss 'focal\\(2'"),
        ("focal(2)\nx", "no loss"),
        ("two * dice", "'two' in the loss"),
        ("-1 * dice", "'-1' in the loss"),
        ("nan * dice", "'nan' in the loss"),
        ("inf * dice", "'inf' in the loss"),
        ("focal(a)", "'a' in the loss"),
        ("focal(-1)", "'-1' in the loss"),
        ("tversky(,1)", "'' in the loss"),
        ("focal(1, 2)", "too many arguments"),
        ("dice(1)", "too many arguments"),
        ("f2(1)", "too many arguments"),
        ("0 * dice", "always the same"),
        ("tversky(0, 0)", "always the same"),
    ],
)
def test_what_is_no_sum_is_refused(text, said):
    with pytest.raises(RequestError, match=said) as caught:
        parse_losses(text)
    assert caught.value.fix


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2 dice", "2 * dice"),
        ("dice + .5cross  entropy", ".5 * cross entropy"),
        ("0.5 f-beta(2)", "0.5 * f-beta(2)"),
        ("focal(0,5)", "decimals with a point"),
        ("tversky(0,3,0,7)", "decimals with a point"),
        ("0,5 * dice", "decimals with a point"),
    ],
)
def test_who_is_refused_is_told_what_to_write(text, meant):
    with pytest.raises(RequestError) as caught:
        parse_losses(text)
    assert meant in caught.value.fix


@pytest.mark.parametrize("text", [*LOSSES, "0.25 * focal(1.5) + 2 * tversky(0.4, 0.6)"])
def test_terms_are_written_as_they_are_read(text):
    terms = parse_losses(text)
    assert parse_losses(" + ".join(map(str, terms))) == terms


@pytest.mark.parametrize("name", LOSS_ARGUMENTS)
def test_every_loss_of_the_list_can_be_built(name):
    loss = SummedLoss(LossSettings(parse_losses(name)))
    assert loss(zeros(1, 2, 4, 4), zeros(1, 4, 4).long()) > 0


def test_the_choices_are_known():
    assert all(LOSSES.values())
    assert all(CLASS_WEIGHTS.values())
    assert set(SMOOTHED_LOSSES) <= set(LOSS_ARGUMENTS)


def _request(**options):
    return TrainSegmentation(dataset="d", model="m.safetensors", **options)


def test_the_formula_replaces_the_choice():
    assert _request(loss="dice", loss_formula="3 * lovasz").loss_terms() == (Term(3, "lovasz", ()),)
    assert _request(loss="f2").loss_terms() == (Term(1, "f2", ()),)


def test_a_formula_is_checked_at_once():
    with pytest.raises(RequestError, match="hinge"):
        _request(loss_formula="hinge")


@pytest.mark.parametrize("options", [{"loss": "dice"}, {"loss_formula": "f2 + lovasz"}])
def test_smoothing_needs_a_loss_that_heeds_it(options):
    assert _request(**options)
    with pytest.raises(RequestError, match=r"LABEL_SMOOTHING is 0\.1") as caught:
        _request(**options, label_smoothing=0.1)
    assert "cross entropy" in caught.value.fix
    assert _request(loss="cross entropy + dice", label_smoothing=0.1)
    assert _request(loss_formula="f2 + focal", label_smoothing=0.1)
