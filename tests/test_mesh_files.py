import pickle
from dataclasses import replace

import numpy as np
import pytest
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.mesh import build_mesh, load_mesh, save_mesh
from chimerax.flexrec.mesh.companion import MapGrid
from chimerax.flexrec.mesh.cryosparc_mesh import from_cryosparc, to_cryosparc
from chimerax.flexrec.mesh.segments import SOLVENT, fill_mask, read_segments
from chimerax.flexrec.mesh.weights import cell_density, make_rigid, read_weights, weigh_by_density
from chimerax.flexrec.particles.pickles import load_arrays_pickle
from mesh_shapes import ball, blurred, voxel_grid

BOX, PIXEL = 24, 3.0
GRID = MapGrid(BOX, PIXEL, False, np.full(3, BOX // 2 * PIXEL))


def two_parts():
    x, y, z = voxel_grid(BOX)
    mask = (x / 9) ** 2 + (y / 7) ** 2 + ((z - 1) / 5) ** 2 <= 1  # no two axes alike, and off the centre
    return build_mesh(mask, PIXEL, 8, (x > 1).astype(int), ((1, 0),)), mask


def same(first, second):
    arrays = ("vertices", "cells", "weights", "part", "voxel_cell")
    return all(np.array_equal(getattr(first, name), getattr(second, name)) for name in arrays) and (
        (first.joints, first.box, first.pixel_size) == (second.joints, second.box, second.pixel_size)
    )


def test_a_mesh_comes_back_as_it_was_saved(tmp_path):
    mesh, _ = two_parts()
    save_mesh(tmp_path / "mesh.npz", mesh)
    assert same(load_mesh(tmp_path / "mesh.npz"), mesh) and load_mesh(tmp_path / "mesh.npz").part_names == (1, 2)
    save_mesh(tmp_path / "mesh.npz", replace(mesh, labels=(9, 4)))
    assert load_mesh(tmp_path / "mesh.npz").part_names == (9, 4)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda mesh: {"cells": mesh.cells[:, [0, 1, 3, 2]]}, "inverted"),
        (lambda mesh: {"cells": mesh.cells + len(mesh.vertices)}, "vertices that it does not have"),
        (lambda mesh: {"weights": -mesh.weights}, "weight"),
        (lambda mesh: {"part": mesh.part[:-1]}, "one weight and one part"),
        (lambda mesh: {"joints": ((0, 5),)}, "joins parts"),
        (lambda mesh: {"joints": ((0, 1), (1, 0))}, "no tree"),
        (lambda mesh: {"labels": (4, 4)}, "one label"),
        (lambda mesh: {"part": 2 * mesh.part, "joints": ()}, "part without cells"),
        (lambda mesh: {"vertices": mesh.vertices * np.nan}, "not finite"),
        (lambda mesh: {"voxel_cell": mesh.voxel_cell + 10**6}, "cells it does not have"),
        (lambda mesh: {"box": 99}, "99"),
    ],
)
def test_a_mesh_that_does_not_hold_together_is_refused(tmp_path, change, message):
    mesh, _ = two_parts()
    save_mesh(tmp_path / "mesh.npz", replace(mesh, **change(mesh)))
    with pytest.raises(InputError, match=message):
        load_mesh(tmp_path / "mesh.npz")


def test_files_that_are_no_mesh_are_refused(tmp_path):
    (tmp_path / "text.npz").write_text("hello")
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    np.savez(tmp_path / "objects.npz", format=np.array([{"a": 1}], dtype=object))
    for name in ("text", "other", "objects", "absent"):
        with pytest.raises(InputError, match=name):
            load_mesh(tmp_path / f"{name}.npz")


@pytest.mark.parametrize("unit", ["angstrom", "voxel"])
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("reversed_points", [False, True])
def test_a_cryosparc_mesh_is_understood_by_trying(tmp_path, unit, transposed, reversed_points):
    mesh, mask = two_parts()
    consensus = blurred(mask)
    stored = to_cryosparc(mesh, mask, consensus, unit)
    if reversed_points:
        stored["tm_points"] = stored["tm_points"][:, ::-1]
    if transposed:
        stored.update({name: array.transpose(2, 1, 0) for name, array in stored.items() if array.ndim == 3})
    with open(tmp_path / "mesh.pkl", "wb") as file:
        pickle.dump({**stored, "N": BOX, "psize_A": PIXEL, "version": 1, "segfuses": [(1, 0)]}, file)
    read, reading, soft, labels = from_cryosparc(load_arrays_pickle(tmp_path / "mesh.pkl"), consensus)
    assert (reading.unit, reading.transposed, reading.reversed_points) == (unit, transposed, reversed_points)
    assert reading.fit == 1 and reading.centre == BOX // 2
    assert np.allclose(read.vertices, mesh.vertices, atol=1e-4)
    assert (read.voxel_cell == mesh.voxel_cell).all() and (soft == mask).all()
    assert (read.part == mesh.part).all() and read.joints == mesh.joints and labels == (0, 1)
    assert (read.volumes() > 0).all()


def test_a_cryosparc_mesh_centred_between_voxels_is_understood():
    mesh, mask = two_parts()
    stored = to_cryosparc(mesh, mask, blurred(mask))
    stored["tm_points"] = stored["tm_points"] + 0.5 * PIXEL
    read, reading, *_ = from_cryosparc(stored)
    assert reading.centre == (BOX - 1) / 2
    assert np.allclose(read.vertices, mesh.vertices, atol=1e-4)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda stored: stored.pop("tm_points"), "lacks tm_points"),
        (lambda stored: stored.update(version=2), "version 2"),
        (lambda stored: stored.update(tm_cells=stored["tm_cells"][:, :3]), "tm_cells"),
        (lambda stored: stored.update(tm_points=7 * stored["tm_points"]), "does not fit itself"),
        (lambda stored: stored.update(tm_cells=stored["tm_cells"][:, [0, 0, 2, 3]]), "flat cell"),
    ],
)
def test_a_cryosparc_mesh_that_cannot_be_right_is_refused(change, message):
    mesh, mask = two_parts()
    stored = to_cryosparc(mesh, mask, blurred(mask))
    change(stored)
    with pytest.raises(InputError, match=message):
        from_cryosparc(stored)


def label_file(path, labels, pixel_size=PIXEL):
    from chimerax.flexrec.mesh.map_files import write_map

    write_map(path, labels, pixel_size)
    return path


def test_labels_grow_to_fill_the_mask(tmp_path):
    mask = ball(BOX, 9)
    x = voxel_grid(BOX)[0]
    labels = np.where(ball(BOX, 3, (-5, 0, 0)), 4, 0) + np.where(ball(BOX, 3, (5, 0, 0)), 7, 0)
    segments = read_segments(label_file(tmp_path / "labels.mrc", labels), GRID)
    part, names = fill_mask(segments, mask, PIXEL, tmp_path)
    assert names == (4, 7) and (part[~mask] == -1).all()
    assert (part[mask & (x < -1)] == 0).all() and (part[mask & (x > 1)] == 1).all()


def test_labels_on_a_finer_grid_are_laid_centre_on_centre(tmp_path):
    x = voxel_grid(2 * BOX)[0]
    segments = read_segments(label_file(tmp_path / "labels.mrc", np.where(x > 4.5, 2, 1), PIXEL / 2), GRID)
    part, names = fill_mask(segments, ball(BOX, 9), PIXEL, tmp_path)
    assert names == (1, 2)
    assert (part[ball(BOX, 9)] == (2 * voxel_grid(BOX)[0] > 4.5)[ball(BOX, 9)]).all()


def test_zero_is_solvent_unless_negative_labels_or_the_user_say_otherwise(tmp_path):
    x = voxel_grid(BOX)[0]
    plain = label_file(tmp_path / "plain.mrc", np.where(x > 0, 1, 0))
    negative = label_file(tmp_path / "negative.mrc", np.where(x > 0, 1, np.where(x < -5, -1, 0)))
    assert set(np.unique(read_segments(plain, GRID).label)) == {SOLVENT, 1}
    assert set(np.unique(read_segments(plain, GRID, (0, 1)).label)) == {0, 1}
    assert set(np.unique(read_segments(negative, GRID).label)) == {SOLVENT, 0, 1}


def test_labels_that_are_none_are_refused(tmp_path):
    for name, labels, message in (
        ("half.mrc", np.full((BOX,) * 3, 0.5), "not whole numbers"),
        ("none.mrc", np.zeros((BOX,) * 3), "no voxel has a label"),
        ("many.mrc", np.arange(BOX**3).reshape((BOX,) * 3), "too many"),
    ):
        with pytest.raises(InputError, match=message):
            read_segments(label_file(tmp_path / name, labels), GRID)
    far = read_segments(label_file(tmp_path / "far.mrc", ball(BOX, 2, (0, 0, 9)).astype(int)), GRID)
    with pytest.raises(InputError, match="no labelled voxel lies in the mask"):
        fill_mask(far, ball(BOX, 4), PIXEL, tmp_path)


def segger_file(path, mask, regions, parents, kind=b"segger"):
    """A file laid out as ChimeraX's Segger writes it."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        file.attrs.update(format=kind, format_version=2, name="labels", map_path=b"map.mrc", map_level=0.5)
        file.attrs["map_size"] = np.array(mask.shape[::-1], np.int32)
        transform = np.concatenate([np.eye(3) * PIXEL, np.full((3, 1), -PIXEL * BOX / 2)], axis=1)
        file.attrs["ijk_to_xyz_transform"] = transform.astype(np.float32)
        file.create_dataset("mask", data=mask.astype(np.uint32), compression="gzip", chunks=True)
        file["region_ids"], file["parent_ids"] = np.array(regions, np.int32), np.array(parents, np.int32)
        file["region_colors"], file["ref_points"] = np.ones((len(regions), 4)), np.zeros((len(regions), 3))
    return path


def test_segger_regions_are_read_at_their_outermost_level(tmp_path):
    x = voxel_grid(BOX)[0]
    mask = np.where(x < -3, 1, np.where(x < 2, 2, np.where(x < 6, 3, 0)))
    path = segger_file(tmp_path / "labels.seg", mask, [1, 2, 3, 4, 9], [4, 4, 0, 9, 0])
    segments = read_segments(path, GRID)
    assert segments.pixel_size == pytest.approx(PIXEL)
    assert (segments.label == np.where(x < 2, 9, np.where(x < 6, 3, SOLVENT))).all()


def test_voxels_of_a_segger_region_that_is_gone_have_no_label(tmp_path):
    mask = np.where(voxel_grid(BOX)[0] < 0, 1, 7)
    segments = read_segments(segger_file(tmp_path / "labels.seg", mask, [1, 2], [0, 0]), GRID)
    assert (segments.label == np.where(mask == 1, 1, SOLVENT)).all()


def test_a_star_file_of_bodies_is_sent_where_it_belongs(tmp_path):
    (tmp_path / "bodies.star").write_text("data_\n")
    with pytest.raises(InputError, match="goes to --bodies"):
        read_segments(tmp_path / "bodies.star", GRID)


def test_segger_files_that_are_damaged_are_refused(tmp_path):
    mask = np.ones((4, 4, 4))
    with pytest.raises(InputError, match="parents of each other"):
        read_segments(segger_file(tmp_path / "loop.seg", mask, [1, 2, 3], [2, 3, 1]), GRID)
    with pytest.raises(InputError, match="not a Segger file"):
        read_segments(segger_file(tmp_path / "other.seg", mask, [1], [0], b"other"), GRID)
    (tmp_path / "text.seg").write_text("no")
    with pytest.raises(InputError, match="not a Segger file"):
        read_segments(tmp_path / "text.seg", GRID)


def test_weights_rise_with_density():
    mask = ball(32, 12)
    density = blurred(ball(32, 5), 1.5)
    mesh = build_mesh(mask, 3.0, 12)
    relative = cell_density(mesh, density, 3.0)
    weights = weigh_by_density(mesh, relative, 0.5).weights
    radius = np.linalg.norm(mesh.centroids(), axis=1)
    assert weights.min() == pytest.approx(0.5) and weights.max() == 1.0
    assert (weights[radius > 28] < 0.51).all() and weights[radius < 6].min() > 0.9
    stiff = weigh_by_density(mesh, relative, 0.5, stiffen_low_density=True).weights
    assert (stiff[radius > 30] < 0.6).all() and (stiff[radius < 6] <= 1).all() and (stiff == 3).any()
    assert (np.abs(radius[stiff == 3] - 18) < 9).all()


def test_rigid_parts_weigh_twenty():
    mesh, _ = two_parts()
    rigid = make_rigid(mesh, (1,))
    assert (rigid.weights[rigid.part == 1] == 20).all() and (rigid.weights[rigid.part == 0] == 1).all()


def test_weights_from_a_file_must_fit(tmp_path):
    mesh, _ = two_parts()
    given = np.linspace(0.1, 2, len(mesh.cells))
    np.savez(tmp_path / "good.npz", weights=given)
    assert np.allclose(read_weights(tmp_path / "good.npz", mesh).weights, given)
    np.savez(tmp_path / "short.npz", weights=given[1:])
    np.savez(tmp_path / "negative.npz", weights=-given)
    np.savez(tmp_path / "unnamed.npz", given)
    for name, message in (("short", "do not fit"), ("negative", "negative"), ("unnamed", "no array 'weights'")):
        with pytest.raises(InputError, match=message):
            read_weights(tmp_path / f"{name}.npz", mesh)
