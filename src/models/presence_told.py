"""Which parts of the molecule come and go, in words."""

from __future__ import annotations

from .interface import Model

PRESENT = 0.5  # a part of which there is at least so much is said to be present


def presence_told(model: Model) -> tuple[str, ...]:
    """A sentence for each part that fades; none where the model knows of none."""
    if not model.fading:
        return ()
    present = model.presence(model.of_particles(model.finite).latents) >= PRESENT
    return tuple(
        f"Part {part + 1} is present in {100 * present[:, part].mean():.0f} % of the particles."
        for part in model.fading
    )
