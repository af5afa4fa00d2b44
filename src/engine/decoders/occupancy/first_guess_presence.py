"""The first guess of motion and presence: which parts come and go, and the linear motion beside them.

Where all parts are always there it is the flow's own first guess, to the last bit.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import nn

from ....mesh.regions import group_regions
from ...latents.particle_latents import ParticleLatents
from ...maps.half_maps import HalfMaps, supported_map
from ...maps.noise_power import measure_noise
from ...training.stage import Stage
from ...training.trainer import FIRST_ITERATIONS, Trainer
from ..flow.first_guess import guess_motion, guess_rest
from ..flow.first_guess_modes import linear_motion, mode_count, move_linearly
from ..flow.flow_state import FlowState
from ..flow.mode_model import LinearMotion, ModeStatistics
from .composition import Composition, find_composition
from .incomplete_particles import take_back_incomplete
from .occupancy_flow import OccupancyFlow
from .occupancy_parameters import OccupancyParameters
from .places import places_text, train_with
from .presences import Fading

LEAST_MEAN = 0.1  # of a part's presence over all particles: a fainter part's density is not made up for
STRETCH = 1.4  # of the line from absent to present, about its middle
LEAST_EXPLAINED = 0.3  # of the variance of a part's presence by given latents: they know of it


def guess_occupancy(
    trainer: Trainer, decoder: FlowState, points: ParticleLatents, given: np.ndarray | None
) -> None:
    """Be as before the first pass; ``given`` ``(n, k)`` are latents to begin with, or None."""
    at_rest, members = guess_rest(trainer, decoder, points), replace(trainer.membership)
    stage, maps = take_back_incomplete(trainer, at_rest) or (at_rest, decoder.maps)
    composition = find_composition(trainer, stage, decoder)
    fading = _fading(trainer, decoder, composition)
    if fading is None:
        trainer.log("All parts are there in all particles, as far as the images tell: nothing fades.")
        trainer.membership = members
        guess_motion(trainer, at_rest, decoder, points, given)
        return
    grouped = group_regions(composition.pieces, fading.groups)
    flow, decoder.maps, group_of = flow_of(decoder), maps, grouped.fading
    flow.divide(grouped.regions)
    decoder.use(flow)
    _log_regions(trainer, flow, composition.mass)
    _log_fading(trainer, flow, fading, group_of)
    # an image that lacks a part seemed to be a weak one; how strong it is, is told again once presence is known
    trainer.signal.take(torch.ones_like(trainer.signal.scale), 0.0)
    if given is not None or decoder.settings.start == "random":
        guess_motion(trainer, stage, decoder, points, given)
        _follow_latents(trainer, flow, points.z[composition.rows], fading, group_of)
    else:
        motion = _motion(trainer, decoder, composition, fading)
        _let_fade(flow, fading, group_of)
        stage = _with_mean_presence(stage, decoder, flow, fading, group_of)
        move_linearly(trainer, stage, decoder, points, motion)
    decoder.maps = trainer.solve(stage, decoder.vertices_of(points), None, FIRST_ITERATIONS, "map")
    stage = stage.with_density(supported_map(stage.cloud, decoder.maps))
    carried = decoder.vertices_of(points)
    decoder.noise = measure_noise(trainer, stage, lambda batch: stage.forward(batch, carried(batch)))


def flow_of(decoder: FlowState) -> OccupancyFlow:
    """The decoder's flow, whose parts may fade."""
    if not isinstance(decoder.flow, OccupancyFlow):
        raise TypeError(f"a {decoder.format} model has no presence of parts")
    return decoder.flow


def _fading(trainer: Trainer, decoder: FlowState, composition: Composition) -> Fading | None:
    """What comes and goes; a latent dimension is left for motion, unless presence explains more than it would."""
    dims, strictness = trainer.settings.latent_dims, _strictness(decoder)
    fading, places = composition.presences(dims, strictness)
    if places is not None:
        _log_places(trainer, flow_of(decoder), composition, places)
    if fading is not None and (junk := fading.all_of_it(len(composition.pieces.part))) is not None:
        nothing = 100 * (1 - float(fading.share[junk]))
        trainer.log(f"{nothing:.0f} % of the images have nothing of the molecule; --junk weigh leaves them out.")
        return None
    if fading is None or len(fading.groups) < dims:
        return fading
    modes, statistics = mode_count(decoder), composition.statistics
    of_modes = ModeStatistics(statistics.curvature[:, :modes, :modes].contiguous(), statistics.gradient[:, :modes])
    motion = linear_motion(trainer, decoder, of_modes, 1, composition.held_out.cpu().numpy())
    if motion.gain <= fading.gain / dims:
        trainer.log(f"No latent dimension is left for motion; ask for {dims + 1} to have that as well.")
        return fading
    trainer.log(f"Parts come and go, and no latent dimension is left for some of them; ask for {dims + 1}.")
    return composition.presences(dims - 1, strictness).fading if dims > 1 else None


def _strictness(decoder: FlowState) -> float:
    return decoder.settings.fading if isinstance(decoder.settings, OccupancyParameters) else 1.0


def _log_regions(trainer: Trainer, flow: OccupancyFlow, mass: np.ndarray) -> None:
    """Say what was cut off parts; ``mass`` ``(v,)`` of the vertices."""
    names, regions = flow.region_names, flow.regions
    of_region = mass @ regions.share
    for region in range(len(flow.parent), len(names)):
        part = regions.part[region]
        share = of_region[region] / of_region[regions.part == part].sum()
        trainer.log(f"Of part {names[part]}, {100 * share:.0f} % comes and goes by itself, and is called part "
                    f"{names[region]}.")  # fmt: skip


def _log_fading(trainer: Trainer, flow: OccupancyFlow, fading: Fading, group_of: dict[int, int]) -> None:
    """Say what comes and goes."""
    names = flow.region_names
    for number, share in enumerate(fading.share.tolist()):
        members = [names[region] for region, group in group_of.items() if group == number]
        who = f"Part {members[0]} is" if len(members) == 1 else f"Parts {' and '.join(members)} are, together,"
        trainer.log(f"{who} present in {100 * share:.0f} % of the particles.")
    trainer.log(f"Presence of parts explains {fading.gain:.2f} nats per image beyond motion, of images that it was not "
                "fitted to.")  # fmt: skip


def _log_places(trainer: Trainer, flow: OccupancyFlow, composition: Composition, places: Fading) -> None:
    """Say which parts are places of one domain, and what to train of it."""
    said = places_text(places, composition.pieces, flow.part_names)
    trainer.log(f"{said} That is taken for a motion; over a far jump a flow may not find its way: compare with "
                f"{train_with(places)}.")  # fmt: skip


def _motion(trainer: Trainer, decoder: FlowState, composition: Composition, fading: Fading) -> LinearMotion:
    """The linear motion that images show whose parts are as present as they seem, along the first latents."""
    statistics = composition.statistics
    modes, parts = mode_count(decoder), statistics.gradient.shape[1] - mode_count(decoder)
    amplitude = torch.zeros(len(statistics.gradient), parts).to(statistics.gradient)
    for piece, group in fading.group_of.items():
        amplitude[:, piece] = fading.present[:, group] / fading.share[group] - 1
    curvature = statistics.curvature
    there = (curvature[:, :modes, modes:] @ amplitude[:, :, None]).squeeze(-1)
    own = ModeStatistics(curvature[:, :modes, :modes].contiguous(), statistics.gradient[:, :modes] - there)
    dims, of_presence = trainer.settings.latent_dims, len(fading.groups)
    motion = linear_motion(trainer, decoder, own, dims - of_presence, composition.held_out.cpu().numpy())
    return replace(motion, directions=nn.functional.pad(motion.directions, (0, 0, 0, of_presence)))


def _let_fade(flow: OccupancyFlow, fading: Fading, group_of: dict[int, int]) -> None:
    """Let groups come and go along the last latents: white, as those are over particles of which a share has each."""
    for region, group in group_of.items():
        share = float(fading.share[group])
        # the ends lie a little beyond 0 and 1, so that no pull of the prior makes the absent half present
        offset = 0.5 + STRETCH * (share - 0.5)
        slope = torch.zeros(flow.latent_dims, device=flow.membership.device)
        slope[group - len(fading.groups)] = STRETCH * (share * (1 - share)) ** 0.5
        flow.presence.let_fade(region, offset, slope)


def _follow_latents(
    trainer: Trainer, flow: OccupancyFlow, z: torch.Tensor, fading: Fading, group_of: dict[int, int]
) -> None:
    """Let those groups come and go that latents ``z`` ``(m, k)`` know of, along the line that tells them best."""
    ones = torch.cat([torch.ones_like(z[:, :1]), z], dim=1).double()
    for region, group in group_of.items():
        present = fading.present[:, group]
        regression = torch.linalg.lstsq(ones, present[:, None]).solution.squeeze(1)
        explained = float((ones @ regression).var() / present.var())
        if explained < LEAST_EXPLAINED:
            trainer.log(f"The latents say nothing of the presence of part {flow.region_names[region]}, which stays as "
                        "it is.")  # fmt: skip
            continue
        # regression on what is known with noise lies too flat
        steep, mean = STRETCH / explained, float(present.mean())
        middle = z.double().mean(dim=0)
        slope = steep * regression[1:]
        flow.presence.let_fade(region, float(0.5 + STRETCH * (mean - 0.5) - slope @ middle), slope.float())


def _with_mean_presence(
    stage: Stage, decoder: FlowState, flow: OccupancyFlow, fading: Fading, group_of: dict[int, int]
) -> Stage:
    """The stage with the density of all there is, as far as the mean of all particles tells it."""
    mean = torch.ones(1, len(flow.region_part), device=stage.device)
    for region, group in group_of.items():
        mean[0, region] = fading.share[group].clamp(min=LEAST_MEAN)
    share = stage.cloud.interpolate(flow.share(mean)[0])
    decoder.maps = HalfMaps(decoder.maps.first / share, decoder.maps.second / share, decoder.maps.fsc)
    return stage.with_density(stage.density / share)
