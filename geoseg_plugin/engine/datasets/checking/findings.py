"""All faults that are looked for, in the order in which they are told; the one of ground that is shared comes last."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ....contract.events import Report, stop_if_cancelled
from . import class_balance, ground_faults, image_faults, label_faults, scale_faults
from .finding import Finding, sort_findings
from .survey import Survey

Fault = Callable[[Survey], Iterator[Finding]]

FAULTS: tuple[Fault, ...] = (
    image_faults.find_unreadable,
    image_faults.find_alone,
    label_faults.find_divided_labels,
    label_faults.find_white_labels,
    label_faults.find_strange_labels,
    label_faults.find_many_values,
    label_faults.find_ignored_labels,
    label_faults.find_single_value,
    label_faults.find_some_white_labels,
    label_faults.find_nodata_class,
    ground_faults.find_grids,
    image_faults.find_band_counts,
    ground_faults.find_copies,
    ground_faults.find_lost_crs,
    ground_faults.find_pixel_sizes,
    scale_faults.find_other_scale_than_stated,
    scale_faults.find_scales,
    scale_faults.find_band_names,
    scale_faults.find_band_order,
    image_faults.find_dtypes,
    image_faults.find_truncated_images,
    image_faults.find_constant_bands,
    image_faults.find_not_finite,
    class_balance.find_few_tiles,
    class_balance.find_no_validation,
    class_balance.find_absent_classes,
    class_balance.find_training_class,
    class_balance.find_classes_missing,
    class_balance.find_imbalance,
    class_balance.find_empty_tiles,
    label_faults.find_ignored_tiles,
    image_faults.find_constant_tiles,
    image_faults.find_nodata,
    image_faults.find_sizes,
)


def find_all(survey: Survey, report: Report) -> tuple[Finding, ...]:
    """Return all findings, the worst first.

    Raises:
        Cancelled: The user has asked to stop.
    """
    found: list[Finding] = []
    for fault in FAULTS:
        stop_if_cancelled(report)
        found += fault(survey)
    found += ground_faults.find_shared_ground(survey, report)
    return sort_findings(found)
