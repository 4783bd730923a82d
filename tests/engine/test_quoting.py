"""Names in messages."""

from geoseg.geoseg_plugin.contract.quoting import quote_names


def test_names_are_told_in_quotes_one_after_the_other():
    assert quote_names(name for name in ("roof", "open water")) == "'roof', 'open water'"
    assert quote_names([]) == ""
