"""The engine: usage and a price table give a cost. Pure but for loading and freezing the table.

``base`` reads genai-prices into a plain document; ``table`` joins it with the files of
``pricing_data`` and knows the result by its hash; ``catalog`` finds a model in it and ``rates`` its
prices at a moment; ``split`` makes disjoint quantities of inclusive totals; ``engine`` multiplies.
"""

from acm_addon.pricing.engine import lacking, price
from acm_addon.pricing.table import PriceTable

__all__ = ["PriceTable", "lacking", "price"]
