"""Pictures by the providers' published examples."""

import pytest

from acm_addon.picture_tokens import picture_tokens
from acm_addon.providers.pictures import Picture


@pytest.mark.parametrize(
    ("model", "picture", "expected"),
    [
        ("gpt-4o", Picture(1024, 1024, "high"), 765),
        ("gpt-4o", Picture(2048, 4096, "high"), 1105),
        ("gpt-4o", Picture(4096, 8192, "low"), 85),
        ("gpt-4o", Picture(None, None, "low"), 85),
        ("gpt-4o-mini", Picture(64, 64), 8500),
        ("o3", Picture(512, 512), 225),
        ("gpt-4.1-mini", Picture(1024, 1024), 1659),
        ("gpt-4.1-mini", Picture(1800, 2400), 2353),
        ("openai/gpt-4.1-mini", Picture(166, 282), 88),
        ("gpt-4.1", Picture(1024, 1024), 765),
        ("claude-sonnet-4-5", Picture(1092, 1092), 1590),
        ("claude-sonnet-4-5", Picture(200, 200), 54),
        ("gemini-2.5-flash", Picture(384, 384), 258),
        ("gemini-2.5-flash", Picture(960, 540), 516),
        ("gemini-3-pro-preview", Picture(), 1120),
    ],
)
def test_published_examples(model: str, picture: Picture, expected: int) -> None:
    """Of OpenAI's, Anthropic's, and Google's guides, and one that OpenAI reported (166 by 282)."""
    assert expected == picture_tokens(picture, model)


@pytest.mark.parametrize(
    ("model", "picture"),
    [
        ("gpt-4o", Picture()),
        ("claude-sonnet-4-5", Picture(detail="low")),
        ("grok-4", Picture(100, 100)),
        (None, Picture(100, 100)),
    ],
)
def test_unknown_is_not_nothing(model: str | None, picture: Picture) -> None:
    """Neither a picture without a size nor a model without a rule has a count."""
    assert picture_tokens(picture, model) is None
