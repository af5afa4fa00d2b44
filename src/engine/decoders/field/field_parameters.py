"""What the field decoder can be asked."""

from __future__ import annotations

from dataclasses import dataclass

from ....parameters import parameter

GROUP = "field decoder"


@dataclass(frozen=True)
class FieldParameters:
    """A coordinate network: sizes, what it gives, how it is given a position, and how it begins and learns."""

    field_units: int = parameter(
        256,
        help="width of the field's network; cryoDRGN's default is 1024, which is some ten times as slow",
        low=8,
        high=4096,
        group=GROUP,
    )
    field_layers: int = parameter(
        3, help="hidden layers of the field's network, each with a residual connection", low=1, high=12, group=GROUP
    )
    domain: str = parameter(
        "fourier",
        help="what the field gives at a frequency: fourier, two numbers, the opposite frequency being the conjugate; "
        "hartley, one number, for which an image takes twice as many points",
        choices=("fourier", "hartley"),
        group=GROUP,
    )
    encoding: str = parameter(
        "gaussian",
        help="how the network is given a position in Fourier space: as waves in random directions, of lengths that are "
        "normally distributed (gaussian); or along the axes, of lengths in a geometric series",
        choices=("gaussian", "geometric"),
        advanced=True,
        group=GROUP,
    )
    feature_sigma: float = parameter(
        1.0,
        help="standard deviation of the gaussian encoding's frequencies, cryoDRGN's --feat-sigma, there 0.5",
        low=0.01,
        high=10,
        advanced=True,
        group=GROUP,
    )
    field_samples: float = parameter(
        0.5,
        help="share of an image's Fourier samples that the field learns from in each pass, drawn by how much they say; "
        "1 for all, which takes twice as long as a half",
        low=0.05,
        high=1,
        advanced=True,
        group=GROUP,
    )
    field_start: str = parameter(
        "components",
        help="where the field begins: components, linear components of the density, which the network is taught first; "
        "random, an untrained network and random latents",
        choices=("components", "random"),
        group=GROUP,
    )
    field_learning_rate: float | None = parameter(
        None,
        help="first learning rate of the field's network, which falls to a twentieth of it; if omitted, 0.001 of 256 "
        "units and less of more",
        low=1e-6,
        high=1,
        advanced=True,
        group=GROUP,
    )

    @property
    def first_rate(self) -> float:
        """The first learning rate: with Adam, the wider the layers the less each weight should move."""
        return 0.256 / self.field_units if self.field_learning_rate is None else self.field_learning_rate
