"""What is to know of single choices, beside their names in the pull-down lists of the dialog that QGIS makes."""

from __future__ import annotations

from functools import partial
from html import escape
from typing import Any, Sequence, Type

from qgis.PyQt.QtCore import QModelIndex, QRect, QSize, Qt, QTimer
from qgis.PyQt.QtGui import QGuiApplication, QPainter, QPalette
from qgis.PyQt.QtWidgets import QApplication, QComboBox, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from ..geoseg_plugin.contract.fields import Field, fields_of
from ..geoseg_plugin.contract.stages.stage import Stage
from .words import translate

NOTE_ROLE = Qt.ItemDataRole.ToolTipRole
_SOFT = 0.8  # opacity of notes, where names have 1


class NoteDelegate(QStyledItemDelegate):
    """Draws the items of a list in two columns: their text, and softer the note that is their tool tip."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """Draw text and note as cells of one row, both by the style: it knows what is readable in a selected one."""
        if not index.data(NOTE_ROLE):
            super().paint(painter, option, index)
            return
        left, right = QRect(option.rect), QRect(option.rect)
        left.setWidth(self._text_width(option, index))
        right.setLeft(left.right() + 1)
        for cell, rect in ((self._cell(option, index), left), (self._note_cell(option, index), right)):
            cell.rect = QStyle.visualRect(option.direction, option.rect, rect)
            option.widget.style().drawControl(QStyle.ControlElement.CE_ItemViewItem, cell, painter, option.widget)

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        """Return the size of both columns."""
        note, kind = self._note_cell(option, index), QStyle.ContentsType.CT_ItemViewItem
        size = option.widget.style().sizeFromContents(kind, note, QSize(), option.widget)
        return QSize(self._text_width(option, index) + size.width(), size.height())

    def _text_width(self, option: QStyleOptionViewItem, index: QModelIndex) -> int:
        text_size = super().sizeHint
        rows = [index.sibling(row, index.column()) for row in range(index.model().rowCount())]
        return max(text_size(option, row).width() for row in rows) + option.fontMetrics.averageCharWidth()

    def _cell(self, option: QStyleOptionViewItem, index: QModelIndex) -> QStyleOptionViewItem:
        cell = QStyleOptionViewItem(option)
        self.initStyleOption(cell, index)
        # One bar over both cells of a selected row, and no frame around each.
        cell.showDecorationSelected = True
        cell.state &= ~QStyle.StateFlag.State_HasFocus
        return cell

    def _note_cell(self, option: QStyleOptionViewItem, index: QModelIndex) -> QStyleOptionViewItem:
        cell = self._cell(option, index)
        cell.text = index.data(NOTE_ROLE) or ""
        for role in (QPalette.ColorRole.Text, QPalette.ColorRole.HighlightedText):
            colour = cell.palette.color(role)
            colour.setAlphaF(_SOFT)
            cell.palette.setColor(role, colour)
        return cell


def note_next_dialog(stage: Type[Stage]) -> None:
    """Show the notes of a stage as soon as the dialog that is about to be made is there."""
    fields = [field for field in fields_of(stage) if field.noted_choices]
    if fields:
        QTimer.singleShot(0, partial(note_pull_downs, fields))


def note_pull_downs(fields: Sequence[Field]) -> None:
    """Show the notes of `fields` in every pull-down list that offers just their choices.

    Which class a dialog is of, and whether it is a window, differs between versions of QGIS; what it offers does not.
    """
    for window in QApplication.topLevelWidgets():
        for box in window.findChildren(QComboBox):
            offered = tuple(box.itemText(row) for row in range(box.count()))
            for field in fields:
                # Before the choices of an optional field there is one that says that none is made.
                if offered[-len(field.choices) :] == field.choices:
                    _note_pull_down(box, field)


def _note_pull_down(box: QComboBox, field: Field) -> None:
    if isinstance(box.itemDelegate(), NoteDelegate):
        return
    for choice, note in field.noted_choices:
        # The text stays the bare name: for QGIS it is the value.
        box.setItemData(box.findText(choice), translate(note), NOTE_ROLE)
    box.setItemDelegate(NoteDelegate(box))
    view = box.view()
    around = view.style().pixelMetric(QStyle.PixelMetric.PM_ScrollBarExtent) + 2 * view.frameWidth()
    screen = min(screen.availableGeometry().width() for screen in QGuiApplication.screens())
    view.setMinimumWidth(min(view.sizeHintForColumn(0) + around, screen - around))
    tell_choice = partial(_tell_choice, box, box.toolTip())
    box.currentIndexChanged.connect(tell_choice)
    tell_choice()


def _tell_choice(box: QComboBox, help_of_field: str, *_: Any) -> None:
    note = box.currentData(NOTE_ROLE)
    chosen = f"<p>{escape(box.currentText())}: {escape(note)}</p>" if note else ""
    box.setToolTip(help_of_field + chosen)
