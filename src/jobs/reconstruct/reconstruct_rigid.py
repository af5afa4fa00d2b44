"""Half-maps of particles that are all one rigid body, by weighted back-projection."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...engine.maps.reconstruction import reconstruct
from ...engine.maps.solvent_mask import check_mask
from ...mesh.storage import load_mesh
from ...particles.prepared import Prepared, load_prepared
from ..inputs import job_file
from ..job_folder import JobRun
from ..part_labels import part_labels
from .half_map_files import write_halves
from .reconstruct_halves import halves_of
from .reconstruct_parameters import ReconstructParameters
from .reconstruct_sums import forget_sums, sum_images
from .reconstructed_files import HALVES
from .resolution_request import ResolutionRequest
from .write_reconstruction import write_reconstruction


def reconstruct_rigid(parameters: ReconstructParameters, job: JobRun) -> bool:
    """Half-maps, their mean, and how far they agree; False where the job was asked to stop."""
    prepared = load_prepared(parameters.particles)
    request = _request(parameters, prepared)
    halves = halves_of(parameters, prepared, job)
    sums = sum_images(prepared, halves, job)
    if sums is None:
        return False
    result = reconstruct(sums, prepared.pixel_size)
    write_halves(result, HALVES, prepared.pixel_size, request.centre, job)
    request = replace(request, views=prepared.particles.views(np.concatenate(halves)))
    record = {"particles": prepared.folder.name, "selection": parameters.selection,
              "halves": (len(halves[0]), len(halves[1]))}  # fmt: skip
    write_reconstruction(result, None, prepared.pixel_size, request, record, job)
    forget_sums(job)
    return True


def _request(parameters: ReconstructParameters, prepared: Prepared) -> ResolutionRequest:
    """What is known beside the images; without a mesh, the maps lie where prep's consensus does.

    A mask or mesh that cannot be used is refused here, before the images are read.
    """
    request = ResolutionRequest(parameters.mask, b_factor=parameters.b_factor, centre=prepared.centre)
    if parameters.mesh is not None:
        file = job_file(parameters.mesh, "mesh.npz")
        mesh = load_mesh(file)
        request = replace(request, mesh=mesh, labels=part_labels(file, mesh.parts), centre=mesh.centre)
    check_mask(request.mask, request.mesh, prepared.box, prepared.pixel_size)
    return request
