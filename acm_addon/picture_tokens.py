"""What a picture costs as input, by each provider's published rule. Pure arithmetic.

Sources, checked 2026-11-22: OpenAI's guide to images and vision (tiles of 512 pixels, or patches of
32 with a factor), Anthropic's guide to vision (pixels / 750), Google's guides to tokens and to
media resolution (258 a tile, or 1,120 a picture).
"""

import re
from dataclasses import dataclass
from math import ceil, floor, sqrt

from acm_addon.providers.pictures import Picture


@dataclass(frozen=True, slots=True)
class _Tiles:
    """A base, and an amount for each tile of 512 pixels, after scaling into 2048 by 768."""

    base: int
    tile: int


@dataclass(frozen=True, slots=True)
class _Patches:
    """A factor for each patch of 32 pixels, of which there are at most so many."""

    factor: float
    limit: int = 1536


_OPENAI: tuple[tuple[str, _Tiles | _Patches], ...] = (
    ("gpt-4o-mini", _Tiles(2833, 5667)),
    ("gpt-4.1-mini|gpt-5-mini", _Patches(1.62)),
    ("gpt-4.1-nano|gpt-5-nano", _Patches(2.46)),
    ("o4-mini", _Patches(1.72)),
    (r"gpt-5\.[2-9].*(?:mini)", _Patches(1.62)),
    (r"gpt-5\.[2-9].*(?:nano)", _Patches(2.46)),
    (r"gpt-5\.[4-9]", _Patches(1.0, 2500)),
    ("gpt-5", _Tiles(70, 140)),
    ("gpt-4o|gpt-4.1|gpt-4.5|gpt-4-turbo|gpt-4-vision|chatgpt", _Tiles(85, 170)),
    ("o1|o3", _Tiles(75, 150)),
    ("computer-use", _Tiles(65, 129)),
)
_CLAUDE_EDGE = 1568
"""Pixels of the longer edge, to which larger pictures are scaled down."""
_CLAUDE_PIXELS = 750
_GEMINI_SMALL = 384
"""Pixels of both edges, up to which a picture is one tile."""
_GEMINI_TILE = 768
_GEMINI_TOKENS = 258
_GEMINI_3_TOKENS = 1120
"""Of any picture at the default resolution, from Gemini 3 on."""


def picture_tokens(picture: Picture, model: str | None) -> int | None:
    """Tokens of one picture; None where its size or the model's rule is not known."""
    name = (model or "").lower().rpartition("/")[2]
    rule = next((rule for pattern, rule in _OPENAI if re.match(pattern, name)), None)
    if isinstance(rule, _Tiles) and picture.detail == "low":
        return rule.base
    if re.match("gemini-[3-9]", name):
        return _GEMINI_3_TOKENS
    if picture.width is None or picture.height is None:
        return None
    return _sized(picture.width, picture.height, rule, name)


def _sized(width: int, height: int, rule: _Tiles | _Patches | None, name: str) -> int | None:
    if isinstance(rule, _Tiles):
        return rule.base + rule.tile * _tiles(width, height)
    if isinstance(rule, _Patches):
        return ceil(_patches(width, height, rule.limit) * rule.factor)
    if "claude" in name:
        scale = min(1.0, _CLAUDE_EDGE / max(width, height))
        return ceil(width * scale * height * scale / _CLAUDE_PIXELS)
    if re.match("gemini-[12]", name):
        if max(width, height) <= _GEMINI_SMALL:
            return _GEMINI_TOKENS
        return _GEMINI_TOKENS * ceil(width / _GEMINI_TILE) * ceil(height / _GEMINI_TILE)
    return None


def _tiles(width: int, height: int) -> int:
    scale = min(1.0, 2048 / max(width, height))
    scale *= min(1.0, 768 / (min(width, height) * scale))
    return ceil(round(width * scale) / 512) * ceil(round(height * scale) / 512)


def _patches(width: int, height: int, limit: int) -> int:
    """Whole patches after scaling down, where there are too many, until they are few enough."""
    count = ceil(width / 32) * ceil(height / 32)
    if count <= limit:
        return count
    scale = sqrt(limit * 32 * 32 / (width * height))
    across, down = width * scale / 32, height * scale / 32
    scale *= min(floor(across) / across, floor(down) / down)
    return min(limit, ceil(width * scale / 32) * ceil(height * scale / 32))
