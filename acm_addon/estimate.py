"""Usage that the provider did not report, counted by a tokenizer. Slow: not for the event loop."""

from acm_addon.model import Quantity, Reason, Usage, UsageSource
from acm_addon.providers.prompts import dump
from acm_addon.tap import Outcome
from acm_addon.tokens import count_tokens

_WITHOUT_MESSAGES = frozenset(
    (
        "completions",
        "fim.completions",
        "complete",
        "embeddings",
        "embedContent",
        "batchEmbedContents",
        "generateContent",
        "streamGenerateContent",
    )
)
"""Endpoints that count text alone. Gemini leaves its chat format out of the count."""


def estimated_usage(outcome: Outcome) -> Usage:
    """The outcome's usage with its missing totals counted from the texts, marked estimated.

    A total that the provider did report is kept. A total whose texts could not be read stays
    unknown.
    """
    assert outcome.texts is not None
    prompt, answer = outcome.texts()
    declared = [
        dump([function.name, function.description, function.parameters])
        for function in prompt.functions
    ]
    inputs = [*prompt.texts, *declared, *([prompt.schema] if prompt.schema else [])]
    outputs = [*answer.texts, *answer.calls, *answer.reasoning]
    model = outcome.exchange.model
    quantities: dict[str, Quantity] = dict(outcome.usage.quantities)
    if "input_tokens" not in quantities and inputs:
        chat = outcome.exchange.endpoint not in _WITHOUT_MESSAGES
        quantities["input_tokens"] = count_tokens(inputs, model, chat=chat)
    missing = "input_tokens" not in quantities
    if outcome.usage.incomplete:
        # Nothing readable is not nothing generated.
        missing = missing or not outputs
        if outputs:
            quantities["output_tokens"] = count_tokens(outputs, model)
    reason = outcome.usage.reason
    return Usage(
        quantities,
        UsageSource.ESTIMATED if quantities else UsageSource.NONE,
        None if reason is Reason.NO_USAGE and not missing else reason,
        incomplete=missing,
    )
