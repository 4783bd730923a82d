"""Pull-down lists of QGIS's own dialogs: they show what is to know of each choice, and give its bare name."""

import pytest
from geoseg.algorithms.choice_notes import NOTE_ROLE, note_pull_downs
from geoseg.geoseg_plugin.contract.fields import Field, Kind, fields_of
from geoseg.geoseg_plugin.contract.networks import NETWORKS
from geoseg.geoseg_plugin.contract.stages import STAGES
from qgis.core import QgsApplication, QgsProcessingContext
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QEvent, Qt
from qgis.PyQt.QtGui import QImage, QPainter
from qgis.PyQt.QtWidgets import QApplication, QComboBox, QListView, QStyle, QStyleOptionViewItem

TRAINING = "trainsegmentation"
NOTED = [(name, field) for name, stage in STAGES.items() for field in fields_of(stage) if field.noted_choices]


@pytest.fixture
def open_dialog(qgis_processing, provider, monkeypatch):
    """Opens an algorithm as the Toolbox does: it asks the algorithm for a dialog, and makes its own for want of one."""
    from processing.gui import ParametersPanel
    from processing.gui.AlgorithmDialog import AlgorithmDialog

    monkeypatch.setattr(ParametersPanel, "iface", None)  # that of tests knows less than QGIS's, none will do
    dialogs = []

    def open_one(name):
        algorithm = provider.algorithm(name).create()
        dialogs.append(algorithm.createCustomParametersWidget(None) or AlgorithmDialog(algorithm))
        return dialogs[-1]

    yield open_one
    for dialog in dialogs:
        if not sip.isdeleted(dialog):
            destroy(dialog)


def destroy(dialog):
    dialog.close()
    dialog.deleteLater()
    QApplication.sendPostedEvents(dialog, QEvent.Type.DeferredDelete)


def box_of(dialog, parameter):
    return dialog.mainWidget().wrappers[parameter].wrappedWidget()


def shown(box):
    return [(box.itemText(row), box.itemData(row, NOTE_ROLE)) for row in range(box.count())]


@pytest.fixture
def training(open_dialog):
    dialog = open_dialog(TRAINING)
    QgsApplication.processEvents()
    return dialog


@pytest.mark.parametrize(("name", "field"), NOTED, ids=lambda value: getattr(value, "name", value))
def test_every_noted_choice_has_its_note_beside_its_bare_name(open_dialog, name, field):
    dialog = open_dialog(name)
    QgsApplication.processEvents()
    notes = dict(field.noted_choices)
    assert shown(box_of(dialog, field.parameter)) == [(choice, notes.get(choice)) for choice in field.choices]


def test_a_list_tells_whose_notes_it_needs():
    notes = {}
    for stage in STAGES.values():
        for field in fields_of(stage):
            notes.setdefault(field.choices, set()).add(field.notes)
    assert all(len(notes[field.choices]) == 1 for _, field in NOTED)


def test_every_network_is_listed_with_its_size_and_one_line_of_advice(training):
    listed = shown(box_of(training, "ARCHITECTURE"))
    assert listed == [(network.name, network.line) for network in NETWORKS]
    assert listed[0][1] == "U-Net, 14.3 million parameters with resnet18: a sound start for everything."


def test_lists_without_notes_stay_as_they_are(training, open_dialog):
    untouched = box_of(open_dialog("clipraster"), "SNAP")
    note_pull_downs([field for _, field in NOTED])
    assert [note for _, note in shown(untouched)] == [None] * untouched.count()
    assert type(untouched.itemDelegate()) is not type(box_of(training, "ARCHITECTURE").itemDelegate())


@pytest.mark.parametrize("name", [TRAINING, "demoscene"])
def test_qgis_makes_the_dialog(provider, name):
    assert provider.algorithm(name).createCustomParametersWidget(None) is None


def test_values_are_bare_names(training, tmp_path):
    chosen = {"ARCHITECTURE": "fpn", "ENCODER": "resnet50", "LOSS": "f2", "CLASS_WEIGHTS": "inverse frequency"}
    training.setParameters({"DATASET": str(tmp_path), "MODEL": str(tmp_path / "m.safetensors"), "LOSS": "focal"})
    assert training.createProcessingParameters()["LOSS"] == "focal"
    for parameter, value in chosen.items():
        box = box_of(training, parameter)
        box.setCurrentIndex(box.findText(value))
    values = training.createProcessingParameters()
    assert {parameter: values[parameter] for parameter in chosen} == chosen


def test_what_is_chosen_is_explained_on_the_box(training):
    box = box_of(training, "LOSS")
    assert "What training minimises." in box.toolTip()
    assert "<p>cross entropy + dice: a sound start for everything.</p>" in box.toolTip()
    box.setCurrentIndex(box.findText("dice"))
    assert "What training minimises." in box.toolTip()
    assert "<p>dice: overlap of areas; for rare classes.</p>" in box.toolTip()
    assert "sound start" not in box.toolTip()


@pytest.mark.parametrize("parameter", ["ARCHITECTURE", "CLASS_WEIGHTS"])
def test_opened_list_is_wide_enough_and_within_the_screen(training, parameter):
    training.show()
    box = box_of(training, parameter)
    box.showPopup()
    screen, popup, view = QApplication.primaryScreen().geometry(), box.view().window().frameGeometry(), box.view()
    assert screen.left() <= popup.left() and popup.right() <= screen.right()
    assert view.viewport().width() >= min(view.sizeHintForColumn(0), screen.width() - 60)
    box.hidePopup()


def test_box_is_no_wider_than_without_notes(training):
    box = box_of(training, "ARCHITECTURE")
    plain = QComboBox()
    plain.addItems([network.name for network in NETWORKS])
    assert box.sizeHint() == plain.sizeHint()


def painted(view, row, state=QStyle.StateFlag.State_None):
    """Return which columns of pixels carry ink in a row of a list, drawn without the list."""
    option = QStyleOptionViewItem()
    option.initFrom(view)
    option.widget, option.state = view, QStyle.StateFlag.State_Enabled | QStyle.StateFlag.State_Active | state
    option.rect.setRect(0, 0, view.sizeHintForColumn(0) + 20, 20)
    image = QImage(option.rect.size(), QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.white)
    painter = QPainter(image)
    view.itemDelegate().paint(painter, option, view.model().index(row, 0))
    painter.end()
    ground = image.pixel(image.width() - 2, 10)
    return [x for x in range(image.width() - 2) if any(image.pixel(x, y) != ground for y in range(4, 16))]


@pytest.mark.parametrize("state", [QStyle.StateFlag.State_None, QStyle.StateFlag.State_Selected], ids=["", "selected"])
def test_names_and_notes_are_drawn_in_two_columns(training, state):
    view = box_of(training, "LOSS").view()
    measure = view.fontMetrics().horizontalAdvance
    rows = [view.model().index(row, 0) for row in range(view.model().rowCount())]
    names = max(measure(index.data()) for index in rows)
    for index in rows:
        ink = painted(view, index.row(), state)
        name, note = [x for x in ink if x < names + 8], [x for x in ink if x >= names + 8]
        assert max(name) - min(name) == pytest.approx(measure(index.data()), abs=8)
        assert max(note) - min(note) == pytest.approx(measure(index.data(NOTE_ROLE)), abs=8)
        assert min(note) < names + 40


def test_optional_fields_offer_nothing_too(qgis_app):
    field = Field(Kind.CHOICE, "Size", "", "size", choices=("small", "large"), notes=("", "takes long."), optional=True)
    box, others = QComboBox(), QComboBox()
    box.addItems(["[Not selected]", *field.choices])
    others.addItems([*field.choices, "huge"])
    view = box.view()
    note_pull_downs([field])
    assert not [note for shown_box in (box, others) for _, note in shown(shown_box) if note]  # parts of no window yet
    window = QListView()
    box.setParent(window)
    others.setParent(window)
    for _ in range(2):
        note_pull_downs([field])
    assert shown(box) == [("[Not selected]", None), ("small", None), ("large", "takes long.")]
    assert [note for _, note in shown(others)] == [None] * 3
    assert box.toolTip() == ""
    assert painted(view, 0) and max(painted(view, 0)) < max(painted(view, 2))
    box.setCurrentIndex(2)
    assert box.toolTip() == "<p>large: takes long.</p>"


def test_dialog_closed_at_once_does_no_harm(open_dialog):
    dialog = open_dialog(TRAINING)
    destroy(dialog)
    assert sip.isdeleted(dialog)
    QgsApplication.processEvents()


def test_dialogs_follow_one_another(open_dialog):
    for _ in range(2):
        dialog = open_dialog(TRAINING)
        QgsApplication.processEvents()
        box = box_of(dialog, "ARCHITECTURE")
        box.showPopup()
        assert shown(box)[0][1]
        destroy(dialog)
        QgsApplication.processEvents()


def test_batch_dialog_opens_and_closes(open_dialog, provider, qgis_iface):
    from processing.gui.BatchAlgorithmDialog import BatchAlgorithmDialog

    batch = BatchAlgorithmDialog(provider.algorithm(TRAINING).create())
    panel = batch.mainWidget()
    panel.addRow()
    dialog = open_dialog(TRAINING)  # its notes find the pull-down lists of the rows too
    QgsApplication.processEvents()
    for row in range(2):
        wrapper = panel.wrappers[row][panel.parameter_to_column["ARCHITECTURE"]]
        wrapper.setParameterValue("fpn", QgsProcessingContext())
        assert wrapper.parameterValue() == "fpn"
    destroy(batch)
    QgsApplication.processEvents()
    assert box_of(dialog, "ARCHITECTURE").currentText() == "unet"
