"""What a training asks of its images."""

from __future__ import annotations

from dataclasses import dataclass

from ...parameters import parameter

GROUP = "images"


@dataclass(frozen=True)
class Judged:
    """What images are judged by: whether they are particles (``members``), how strong their signals are (``scales``).
    """

    members: bool
    scales: bool

    @property
    def active(self) -> bool:
        """Whether there is anything to judge."""
        return self.members or self.scales


@dataclass(frozen=True)
class JudgedParameters:
    """What a decoder that judges its images can be asked of that."""

    junk: str = parameter(
        "auto",
        help="weigh: images that are no particles of this molecule are told by how little they resemble it, and count "
        "for nothing. keep: all images count alike. auto: weigh, where the decoder can",
        choices=("auto", "weigh", "keep"),
        group=GROUP,
    )
    scales: str = parameter(
        "auto",
        help="find: how strong the particle's signal is for the noise of its image is an unknown too; where all are "
        "alike, they stay so. keep: the particle file's scales are taken as they are. auto: find, where the decoder "
        "can",
        choices=("auto", "find", "keep"),
        group=GROUP,
    )

    @property
    def judged(self) -> Judged:
        """Whether images that are no particles are told, and how strong the signal of each is."""
        return Judged(self.junk in ("auto", "weigh"), self.scales in ("auto", "find"))
