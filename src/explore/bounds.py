"""Bounds and numbers as a person types them."""

from __future__ import annotations

from ..errors import InputError


def two_numbers(text: str, option: str, separator: str = ",") -> tuple[float, float]:
    """``(low, high)``; ``InputError`` where the text is no pair of numbers."""
    try:
        low, high = (float(word) for word in text.split(separator))
    except ValueError:
        raise InputError(f"{option}: {text!r} must be two numbers, such as 5{separator}95.") from None
    return low, high


def read_box(text: str | None) -> dict[str, tuple[float, float]] | None:
    """``{"z1": (-1, 1)}`` of ``z1=-1:1``; several with commas between them."""
    if text is None:
        return None
    box: dict[str, tuple[float, float]] = {}
    for part in text.split(","):
        name, equals, bounds = part.partition("=")
        if not equals:
            raise InputError(f"box: {part!r} must be such as z1=-1:1.")
        low, high = two_numbers(bounds, f"box: {name}", ":")
        if not low <= high:
            raise InputError(f"box: {part!r} holds nothing; give the lower bound first, such as {name}=-1:1.")
        if name.strip() in box:
            raise InputError(f"box: {name.strip()} is given twice; give it once.")
        box[name.strip()] = low, high
    return box


def whole_numbers(text: str | None) -> tuple[int, ...]:
    """``(1, 3)`` of ``1,3``."""
    try:
        return tuple(int(word) for word in text.split(",")) if text is not None else ()
    except ValueError:
        raise InputError(f"cluster: {text!r} must be numbers, such as 1,3.") from None
