"""Run in a Python that has RECOVAR: the reprojection states of its own code for a folder of its pipeline.

``python recovar_maps.py FOLDER ZDIM POINTS.npy MAPS.npy`` writes ``(m, N, N, N)`` [z, y, x] at latent points (m, K).
"""

import sys

import numpy as np
from recovar.core.fourier_transform_utils import get_dft3, get_idft3
from recovar.heterogeneity.embedding import generate_conformation_from_reprojection
from recovar.output.output_paths import ResultPaths
from recovar.utils import load_mrc

folder, zdim, points, maps = sys.argv[1:]
paths = ResultPaths(folder)
mean = load_mrc(paths.mean_volume)
eigenvectors = [load_mrc(paths.eigenvector(number)) for number in range(int(zdim))]
basis = np.stack([np.asarray(get_dft3(volume)).ravel() for volume in eigenvectors], axis=1)
states = generate_conformation_from_reprojection(np.load(points), np.asarray(get_dft3(mean)).reshape(1, -1), basis)
np.save(maps, np.stack([np.asarray(get_idft3(state.reshape(mean.shape))).real.T for state in states]))
