"""What the encoder of latents can be asked."""

from __future__ import annotations

from dataclasses import dataclass

from ....parameters import parameter
from ..initial_latents import InitialLatents
from ..latent_prior import LatentPrior

GROUP = "encoder of latents"
OWN, PERMUTED, NUMBERS = "own", "permuted", "noise"


@dataclass(frozen=True)
class EncoderParameters(InitialLatents, LatentPrior):
    """A network that tells the latents of an image; sizes as cryoDRGN has them."""

    encoder_view: str = parameter(
        "image",
        help="what the encoder sees: image, the image with its shift undone and its phases flipped by the CTF's sign, "
        "as cryoDRGN's does; aligned, turned as well, so that the same view of the molecule is always seen upright",
        choices=("image", "aligned"),
        group=GROUP,
    )
    encoder_box: int | None = parameter(
        None, help="pixels on a side of the images that the encoder sees; if omitted, of the prepared images",
        unit="pixels", low=8, high=4096, advanced=True, group=GROUP,
    )  # fmt: skip
    encoder_shown: str = parameter(
        OWN,
        help="which images the encoder is shown, to test what it does: own, each particle's; permuted, another "
        "particle's, the same in each pass; noise, numbers of no image, the same in each pass. The map is compared "
        "with each particle's own image all the same: an encoder that trains as well on others has learned nothing",
        choices=(OWN, PERMUTED, NUMBERS), advanced=True, group=GROUP,
    )  # fmt: skip
    encoder_layers: int = parameter(
        3, help="hidden layers of the encoder, beside the first", low=1, high=32, advanced=True, group=GROUP
    )
    encoder_units: int = parameter(
        1024, help="width of the encoder's layers", low=4, high=16384, advanced=True, group=GROUP
    )
    encoder_warmup: int = parameter(
        5,
        help="passes over the images in which the encoder learns the latents of the decoder's first guess, or the "
        "initial ones, before both are trained together; 0: it begins with nothing learned",
        low=0,
        high=1000,
        advanced=True,
        group=GROUP,
    )
    encoder_rate: float = parameter(
        1e-4, help="first learning rate of the encoder", low=1e-7, high=1, advanced=True, group=GROUP
    )
    final_encoder_rate: float = parameter(
        1e-5, help="last learning rate of the encoder, reached along a cosine", low=0, high=1, advanced=True,
        group=GROUP,
    )  # fmt: skip
