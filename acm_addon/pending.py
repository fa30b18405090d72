"""Work that was ordered and is not done: what its order said, for a result that does not repeat it.

A result seldom names the model (fal, ElevenLabs), and never what only the order decides (a tier, a
size). In memory only: a result that is seen after a restart is priced by what it says alone, until
``acm reprice`` prices its row, which has what both say.
"""

from collections import OrderedDict
from dataclasses import replace

from acm_addon.model import Completeness, Exchange

MAX_CALLS = 10_000
"""Orders that are remembered; the oldest go first."""


class PendingCalls:
    def __init__(self) -> None:
        self._orders: OrderedDict[tuple[str, str], Exchange] = OrderedDict()

    def note(self, order: Exchange) -> None:
        """Remember a call if it is pending."""
        if order.completeness is Completeness.PENDING and order.object_id:
            self._orders[order.provider, order.object_id] = order
            if len(self._orders) > MAX_CALLS:
                self._orders.popitem(last=False)

    def complete(self, result: Exchange) -> Exchange:
        """``result`` with what it leaves out of its order."""
        order = self._orders.get((result.provider, result.object_id or ""))
        if order is None:
            return result
        return replace(
            result,
            requested_model=order.requested_model,
            model=result.model or order.model,
            tier=result.tier or order.tier,
            region=result.region or order.region,
            price_context={**order.price_context, **result.price_context},
        )
