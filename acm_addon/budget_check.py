"""What hard budgets say of a call in flight: what it may cost, which budgets that concerns, and
whether the gate lets it leave."""

import asyncio
from collections.abc import Awaitable, Callable

from acm_addon.budgets import (
    PASSED,
    Budget,
    Claim,
    Decision,
    Verdict,
    claims_of,
    hard_ones,
)
from acm_addon.ceiling import Wanted, input_ceiling, input_units, upper_cost
from acm_addon.gate import Ask, Gate
from acm_addon.history import OutputHistory, Writer
from acm_addon.journal import OpenCall
from acm_addon.model_rule import models_of
from acm_addon.pricing import PriceTable
from acm_addon.providers.base import Billing
from acm_addon.tap import STEP, Call, exhaust

type Answer = Verdict | Awaitable[Verdict]

_BYTES_PER_TOKEN = 4
"""Of a body that is not read before it leaves: what has more would fit no model."""


class BudgetCheck:
    """For the event loop's thread."""

    def __init__(
        self,
        gate: Gate,
        budgets: Callable[[], tuple[Budget, ...]],
        table: Callable[[], PriceTable],
        history: OutputHistory,
    ) -> None:
        """``budgets`` gives all that there are now, and ``table`` the prices in use."""
        self._gate = gate
        self._budgets = budgets
        self._table = table
        self._history = history

    def concerns(self, call: Call) -> bool:
        """Whether a hard budget may have something to say, by the head of the request."""
        budgets = self._budgets()
        if not budgets or call.arrival.endpoint.billing is Billing.RESULT:
            return False
        return bool(self._of(budgets, call, call.arrival.endpoint.model))

    def of_body(self, call: Call, record: OpenCall | None, body: bytes) -> Answer:
        """The request is here as a whole, and was not read yet."""
        if len(body) > STEP:
            return self._read_and_ask(call, record, body)
        exhaust(call.request_data(body))
        return self._ask_of_body(call, record, body)

    def of_size(self, call: Call, record: OpenCall | None, size: int | None) -> Answer:
        """The body is too large to be held, or its size is not known; it does not wait."""
        tokens = None if size is None else size // _BYTES_PER_TOKEN
        model = call.arrival.endpoint.model
        return self._ask(call, record, (model,) if model else (), tokens, patient=False)

    async def _read_and_ask(self, call: Call, record: OpenCall | None, body: bytes) -> Verdict:
        """Other traffic has its turn between the steps."""
        for _ in call.request_data(body):
            await asyncio.sleep(0)
        answer = self._ask_of_body(call, record, body)
        return answer if isinstance(answer, Verdict) else await answer

    def _ask_of_body(self, call: Call, record: OpenCall | None, body: bytes) -> Answer:
        facts = call.request_done()
        if call.request_is_encoded:
            size = facts.input_tokens_estimate
            tokens = None if size is None else (size + 1) * _BYTES_PER_TOKEN
        else:
            tokens = input_ceiling(body)
        model = call.requested_model
        models: tuple[str, ...] = (model,) if model else ()
        if call.arrival.endpoint.model is None and b'"models"' in body:
            models = models_of(body) or ()
        return self._ask(call, record, models, tokens, units=input_units(body))

    def _ask(
        self,
        call: Call,
        record: OpenCall | None,
        models: tuple[str, ...],
        tokens: int | None,
        *,
        units: tuple[str, ...] = (),
        patient: bool = True,
    ) -> Answer:
        budgets = self._of(self._budgets(), call, call.requested_model)
        if not budgets:
            return PASSED
        at = call.arrival.time
        if record is None:
            # What is not journalled is never booked, and would hold for ever.
            return Verdict(Decision.LOCKED, Claim(budgets[0], budgets[0].window(at), 0))

        def decide() -> "Verdict | asyncio.Future[Verdict]":
            upper = None
            if call.arrival.endpoint.billing is Billing.METERED and not call.is_websocket:
                wanted = self._wanted(call, models, tokens, units)
                upper = upper_cost(wanted, at, self._table())
            claims = claims_of(budgets, at, upper)
            if isinstance(claims, Budget):
                return Verdict(Decision.UNPRICED, Claim(claims, claims.window(at), 0))
            if not claims:
                return PASSED
            return self._gate.ask(Ask(call.arrival.id, claims, record.journal, patient))

        unbounded = call.request.max_output_tokens is None
        writers = [_writer(call, model) for model in models] if unbounded else []
        stale = [writer for writer in writers if not self._history.is_fresh(writer)]
        return self._look_and(stale, decide) if stale else decide()

    async def _look_and(
        self, writers: list[Writer], decide: Callable[[], "Verdict | asyncio.Future[Verdict]"]
    ) -> Verdict:
        for writer in writers:
            await self._history.look(writer)
        answer = decide()
        return answer if isinstance(answer, Verdict) else await answer

    def _wanted(
        self, call: Call, models: tuple[str, ...], tokens: int | None, units: tuple[str, ...]
    ) -> Wanted:
        facts, endpoint = call.request, call.arrival.endpoint
        output = facts.max_output_tokens
        if output is None:
            used = [self._history.tokens(_writer(call, model)) for model in models]
            output = max((count for count in used if count is not None), default=None)
        region = {"region": endpoint.region} if endpoint.region else {}
        return Wanted(
            endpoint=endpoint.name,
            provider=call.arrival.provider.price_provider,
            models=models,
            input_tokens=tokens,
            output_tokens=output,
            choices=facts.choices,
            derived=facts.derived,
            context={**region, **endpoint.price_context, **facts.price_context},
            units=units,
            project=call.arrival.attribution.project,
        )

    @staticmethod
    def _of(budgets: tuple[Budget, ...], call: Call, model: str | None) -> tuple[Budget, ...]:
        return hard_ones(budgets, call.arrival.attribution, call.arrival.provider.name, model)


def _writer(call: Call, model: str) -> Writer:
    return Writer(call.arrival.attribution.project, call.arrival.provider.name, model)
