"""What running stages say, and to whom."""

from geoseg.geoseg_plugin.contract.events import QuietReport


def test_a_quiet_report_still_hears(make_recorder):
    report = make_recorder(lambda self: True)
    quiet = QuietReport(report)
    for say in (quiet.note, quiet.warn, quiet.detail):
        say("x")
    quiet.progress(0.5, "x")
    quiet.metric("x", 1.0, 1)
    assert quiet.is_cancelled()
    assert not report.notes and not report.warnings and not report.fractions and not report.metrics
