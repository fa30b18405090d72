from importlib.metadata import version

from pricing_data.dates import base_as_of, last_checked


def test_the_pinned_release_has_a_date() -> None:
    """Whoever changes the pin says of when its prices are."""
    as_of = base_as_of(version("genai-prices"))
    assert as_of is not None
    assert as_of <= last_checked()


def test_an_unknown_release_has_none() -> None:
    """It is not guessed."""
    assert base_as_of("0.0.0") is None
