"""Usage that the provider did not report, counted by a tokenizer. Slow: not for the event loop."""

from acm_addon.model import Quantity, Reason, Usage, UsageSource
from acm_addon.tap import Outcome
from acm_addon.tokens import count_tokens


def estimated_usage(outcome: Outcome) -> Usage:
    """The outcome's usage with its missing totals counted from the texts, marked estimated.

    A total that the provider did report is kept. An output total that is only the stub of a stream
    which was cut off is raised to what was really received.
    """
    assert outcome.texts is not None
    inputs, outputs = outcome.texts()
    model = outcome.exchange.model
    quantities: dict[str, Quantity] = dict(outcome.usage.quantities)
    if "input_tokens" not in quantities and inputs:
        quantities["input_tokens"] = count_tokens(inputs, model)
    counted = count_tokens(outputs, model)
    quantities["output_tokens"] = max(counted, quantities.get("output_tokens", 0))
    reason = outcome.usage.reason
    return Usage(quantities, UsageSource.ESTIMATED, None if reason is Reason.NO_USAGE else reason)
