"""Which price a model's name gets."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from acm_addon.model import Cost, PriceStatus, Reason
from acm_addon.pricing.names import candidates

type Bill = Callable[..., Cost]

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("provider", "name", "price_of"),
    [
        ("openai", "gpt-4o-2024-08-06", "openai/gpt-4o"),
        ("openai", "gpt-4o-20240806", "openai/gpt-4o"),
        ("openai", "GPT-4o", "openai/gpt-4o"),
        ("openai", "gpt-4o-2024-05-13", "openai/gpt-4o-2024-05-13"),
        ("openai", "text-embedding-3-small", "openai/text-embedding-3-small"),
        ("anthropic", "claude-sonnet-4-5-20250929", "anthropic/claude-sonnet-4-5"),
        ("google", "gemini-2.0-flash", "google/gemini-2.0-flash"),
        ("google", "models/gemini-2.0-flash", "google/gemini-2.0-flash"),
        ("google", "publishers/google/models/gemini-2.5-pro", "google/gemini-2.5-pro"),
        (
            "google",
            "projects/p/locations/l/publishers/google/models/gemini-2.5-pro",
            "google/gemini-2.5-pro",
        ),
        ("openrouter", "openai/gpt-4o", "openrouter/openai/gpt-4o"),
        ("azure", "gpt-4o-2024-11-20", "openai/gpt-4o"),
        ("azure", "gpt-35-turbo", "openai/gpt-3.5-turbo"),
        (
            "fireworks",
            "accounts/fireworks/models/llama-v3p1-8b-instruct",
            "fireworks/llama-v3p1-8b-instruct",
        ),
        ("openai", "ft:gpt-4o-2024-08-06:acme::id", "openai/ft:gpt-4o"),
        ("openai", "ft:gpt-4o-mini-2024-07-18:acme:x:id", "openai/ft:gpt-4o-mini"),
        ("mistral", "mistral-large-latest", "mistral/mistral-large-2512"),
        ("mistral", "ministral-14b-latest", "mistral/ministral-14b-2512"),
        ("openai", "babbage:2023-07-21-v2", "openai/babbage-002"),
    ],
)
def test_names_as_responses_give_them(bill: Bill, provider: str, name: str, price_of: str) -> None:
    """Dated, prefixed, hosted by another, fine-tuned: the line says whose price it was."""
    cost = bill(provider, name, {"input_tokens": 1_000_000})

    assert [f"{price_of}:input_mtok"] == [line.sku.partition(">")[0] for line in cost.lines]


@pytest.mark.parametrize(
    ("provider", "name"),
    [
        ("openai", "ft:gpt-4-0613:acme::id"),
        ("openai", "ft:gpt-5:acme::id"),
        ("azure", "o4-mini-2025-04-16.ft-0123456789"),
        ("google", "tunedModels/gemini-2.0-flash-exp-mine"),
        ("openai", "gpt-4o-2024-13-45"),
        ("google", "models/"),
    ],
)
def test_a_name_without_a_price_is_not_given_a_relative_s(
    bill: Bill, provider: str, name: str
) -> None:
    """A fine-tune is never billed as its base, and a date that is none is no date."""
    cost = bill(provider, name, {"input_tokens": 1_000_000})

    assert (cost.status, cost.reason) == (PriceStatus.UNPRICED, Reason.UNKNOWN_MODEL)


@pytest.mark.parametrize(
    ("provider", "model", "at", "nano_per_token"),
    [
        ("mistral", "mistral-large-latest", NOW, (500, 1500)),
        ("mistral", "mistral-large", NOW, (2000, 6000)),
        ("mistral", "open-mistral-nemo", NOW, (150, 150)),
        ("fireworks", "accounts/fireworks/models/llama-v3p1-8b-instruct", NOW, (200, 200)),
        ("together", "meta-llama/Llama-3.3-70B-Instruct-Turbo", NOW, (1040, 1040)),
        ("x-ai", "grok-code-fast-1", datetime(2026, 5, 14, 23, 59, tzinfo=UTC), (200, 1500)),
        ("x-ai", "grok-code-fast-1", datetime(2026, 5, 15, tzinfo=UTC), (1000, 2000)),
        ("deepseek", "deepseek-chat", datetime(2026, 7, 23, 23, 59, tzinfo=UTC), (280, 420)),
        ("deepseek", "deepseek-chat", datetime(2026, 7, 24, tzinfo=UTC), (140, 280)),
        ("deepseek", "deepseek-reasoner", datetime(2026, 7, 23, tzinfo=UTC), (280, 420)),
        ("deepseek", "deepseek-reasoner", datetime(2026, 7, 24, tzinfo=UTC), (140, 280)),
        ("azure", "text-embedding-3-small", NOW, (20, None)),
    ],
)
def test_settled_disagreements(
    bill: Bill, provider: str, model: str, at: datetime, nano_per_token: tuple[int, int | None]
) -> None:
    """Each verdict holds on its day."""
    given, generated = nano_per_token
    quantities = (
        {"input_tokens": 1} if generated is None else {"input_tokens": 1, "output_tokens": 1}
    )

    cost = bill(provider, model, quantities, at=at)

    expected = [given] if generated is None else [given, generated]
    assert expected == [line.amount for line in cost.lines]


@pytest.mark.parametrize(
    ("at", "nano"),
    [
        (datetime(2026, 11, 20, 0, 59, tzinfo=UTC), 150),
        (datetime(2026, 11, 20, 1, 0, tzinfo=UTC), 300),
        (datetime(2026, 11, 20, 3, 59, tzinfo=UTC), 300),
        (datetime(2026, 11, 20, 4, 0, tzinfo=UTC), 150),
        (datetime(2026, 11, 20, 7, 0, tzinfo=UTC), 300),
        (datetime(2026, 11, 21, 7, 0, tzinfo=UTC), 150),
        (datetime(2026, 11, 22, 7, 0, tzinfo=UTC), 150),
        (datetime(2026, 11, 23, 7, 0, tzinfo=UTC), 300),
    ],
)
def test_deepseek_is_off_peak_at_night_and_on_weekends(bill: Bill, at: datetime, nano: int) -> None:
    """Two windows a day, Monday to Friday."""
    cost = bill("deepseek", "deepseek-v4-flash", {"input_tokens": 1}, at=at)

    assert nano == cost.computed


def test_candidates_are_tried_best_first() -> None:
    """The name itself, then without its path, then with its date spelled out."""
    assert ["models/gpt-4o-20240806", "gpt-4o-20240806", "gpt-4o-2024-08-06"] == list(
        candidates(" models/GPT-4o-20240806 ")
    )
