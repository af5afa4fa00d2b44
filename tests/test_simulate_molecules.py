"""What can be simulated and how it moves: models, labelled maps, and the grammar of hinges."""

from __future__ import annotations

import gzip

import gemmi
import mrcfile
import numpy as np
import pytest
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.jobs.job_folder import JobRun
from chimerax.flexrec.jobs.simulate.simulate_design import read_molecule
from chimerax.flexrec.jobs.simulate.simulate_parameters import SIMULATE
from chimerax.flexrec.jobs.simulate.simulate_run import run
from chimerax.flexrec.simulate import load_truth
from chimerax.flexrec.simulate.hinges import groups, motions, parse_hinges
from chimerax.flexrec.simulate.igg import build_igg
from chimerax.flexrec.simulate.molecule import read_labelled_map, read_model
from chimerax.flexrec.simulate.moving_molecule import MovingMolecule

pytestmark = pytest.mark.blank_pictures()

PDB = "ATOM  {:5d}  CA  GLY {}{:4d}    {:8.3f}{:8.3f}{:8.3f}  1.00 20.00           C\n"


@pytest.fixture
def rods(tmp_path):
    """Chain A along x up to the origin, chain B along y from it: an elbow, and a water and a hydrogen to be ignored."""
    rows = [("A", i + 1, (-4.0 * (10 - i), 0.0, 0.0)) for i in range(10)]
    rows += [("B", i + 1, (0.0, 4.0 * (i + 1), 0.0)) for i in range(10)]
    text = "".join(PDB.format(n, chain, number, *site) for n, (chain, number, site) in enumerate(rows, 1))
    text += "HETATM   98  O   HOH A  99      50.000  50.000  50.000  1.00 20.00           O\n"
    text += "ATOM     99  HA  GLY A   1     -40.000   1.000   0.000  1.00 20.00           H\n"
    path = tmp_path / "rods.pdb"
    path.write_text(text + "END\n")
    return path


def test_a_model_is_read_centred_and_can_be_put_back(rods):
    molecule = read_model(rods, 4.0)
    assert len(molecule) == 20
    assert np.allclose(np.average(molecule.position, axis=0, weights=molecule.weight), 0)
    assert np.allclose(molecule.position[0] + molecule.frame, [-40, 0, 0], atol=1e-3)
    assert molecule.width == pytest.approx(0.9003, abs=1e-4)


def atom(name="CA", residue="GLY", chain="A", number=1, x=0.0, occupancy="1.00", element="C", model="ATOM", segment=""):
    """A line of a PDB file, as its columns are."""
    name = name if len(name) == 4 else f" {name:<3}"
    return (f"{model:<6}{1:5d} {name}{'':1}{residue:>3}{chain:>2}{number:4d}    {x:8.3f}{0:8.3f}{0:8.3f}"
            f"{occupancy:>6}{20:6.2f}      {segment:<4}{element:>2}\n")  # fmt: skip


def atoms_of(tmp_path, *lines, name="model.pdb"):
    (tmp_path / name).write_text("".join(lines))
    return read_model(tmp_path / name, 4.0)


def test_common_residues_have_no_calcium_and_mercury(tmp_path):
    molecule = atoms_of(tmp_path, atom("CA  ", element=""), atom("HG  ", "CYS", x=3, element=""),
                        atom("CA  ", " CA", number=9, x=9, element="CA", model="HETATM"))  # fmt: skip
    assert molecule.element.tolist() == ["C", "Ca"]


def test_atoms_of_unknown_elements_are_left_out_and_not_most_of_them(tmp_path):
    known = [atom(number=i, x=4 * i) for i in range(20)]
    unknown = atom("UNK", "UNX", number=99, element="X", model="HETATM")
    molecule = atoms_of(tmp_path, *known, unknown)
    assert len(molecule) == 20 and (molecule.weight > 0).all()
    with pytest.raises(InputError, match="3 of 4 atoms have no element that is known"):
        atoms_of(tmp_path, known[0], *3 * [unknown])


def test_occupancies_count_unless_there_are_none(tmp_path):
    both = [atom(occupancy="0.60"), atom(x=4, occupancy="0.00")]
    assert atoms_of(tmp_path, *both).weight.tolist() == pytest.approx([3.6])
    assert atoms_of(tmp_path, *(atom(x=x, occupancy="0.00") for x in (0, 4))).weight.tolist() == [6, 6]


def test_chains_without_a_name_have_that_of_their_segment(tmp_path):
    lines = [atom(chain="", x=4 * i, segment=segment) for i, segment in enumerate(("PROA", "PROB", ""))]
    assert atoms_of(tmp_path, *lines).chain.tolist() == ["PROA", "PROB", "_"]


def test_water_is_left_out_whatever_its_name_and_dummies_of_a_membrane_too(tmp_path):
    water = [atom("OH2", name, "W", 50, 30, element="O", model="HETATM") for name in ("TIP", "SOL", "HOH", "DUM")]
    assert len(atoms_of(tmp_path, atom(), *water)) == 1
    assert len(atoms_of(tmp_path, atom("O", element="O"))) == 1  # a model of few atoms is no water


def test_an_atom_without_coordinates_is_named(tmp_path):
    with pytest.raises(InputError, match="atom CA of residue A:7 has no coordinates"):
        atoms_of(tmp_path, atom(), atom(number=7).replace("0.000", "  nan", 1))


def test_coordinates_too_large_for_their_columns_and_shifted_ones_are_refused(tmp_path):
    for line in (atom().replace("   0.000", "********", 1), atom().replace("ATOM  ", "ATOM    ", 1)):
        with pytest.raises(InputError, match="model.pdb: line 2 has no coordinates in columns 31 to 54"):
            atoms_of(tmp_path, atom(), line)


def test_of_several_models_the_first_that_has_atoms_is_taken_and_told(tmp_path):
    ends = ["MODEL        1\nENDMDL\nMODEL        2\n", "ENDMDL\nMODEL        3\n", "ENDMDL\n"]
    molecule = atoms_of(tmp_path, ends[0], atom(), ends[1], atom(), atom(x=5), ends[2])
    assert len(molecule) == 1 and molecule.name == "model.pdb (the first of 3 models)"


@pytest.mark.parametrize("name", ["rods.pdb.gz", "RODS.ENT.GZ"])
def test_a_compressed_model_is_read(rods, tmp_path, name):
    (tmp_path / name).write_bytes(gzip.compress(rods.read_bytes()))
    assert len(read_molecule(SIMULATE.build({"molecule": tmp_path / name, "hinges": "A: 5"}))) == 20


def test_what_is_neither_model_nor_map_by_its_name_is_refused(rods, tmp_path):
    rods.rename(tmp_path / "rods.pdbqt")
    with pytest.raises(InputError, match="no atomic model .* and no map"):
        read_molecule(SIMULATE.build({"molecule": tmp_path / "rods.pdbqt", "hinges": "A: 5"}))


def test_automatic_hinge_bends_in_the_plane_about_the_contact(rods):
    molecule = read_model(rods, 4.0)
    (hinge,) = parse_hinges("B: ±20", molecule)
    assert np.allclose(hinge.pivot + molecule.frame, [-2, 2, 0], atol=1e-3)
    assert abs(hinge.axis[2]) == pytest.approx(1)
    assert (hinge.low, hinge.high, hinge.circular) == (-20, 20, False)
    assert hinge.moving.sum() == 10


def test_full_turn_is_a_cone_and_closes(rods):
    molecule = read_model(rods, 4.0)
    (hinge,) = parse_hinges("B: 360", molecule)
    assert hinge.circular and (hinge.low, hinge.high) == (-180, 180)
    away = hinge.pivot - molecule.position[~hinge.moving].mean(axis=0)
    assert np.allclose(hinge.axis, away / np.linalg.norm(away))
    assert len(hinge.grid(4)) == 4 and hinge.grid(4)[-1] == 90
    moving = MovingMolecule.build(molecule, (hinge,))
    assert np.allclose(moving.points_at(np.array([-180.0])), moving.points_at(np.array([180.0])))


def test_options_are_obeyed(rods):
    molecule = read_model(rods, 4.0)
    (hinge,) = parse_hinges("A:1-5,B:10: -10,30 axis=0,0,-2 pivot=B:1 draw=bimodal", molecule)
    assert hinge.moving.sum() == 6
    assert np.allclose(hinge.axis, [0, 0, -1])
    assert np.allclose(hinge.pivot + molecule.frame, [0, 4, 0], atol=1e-3)
    angles = hinge.sample(np.random.default_rng(0), 4000)
    assert angles.min() >= -10 and angles.max() <= 30
    counts = np.histogram(angles, bins=3, range=(-10, 30))[0]
    assert counts[1] < 0.2 * counts[0] and counts[1] < 0.2 * counts[2]
    assert np.allclose(parse_hinges("B: 5 pivot=1,2,3", molecule)[0].pivot + molecule.frame, [1, 2, 3])
    assert np.allclose(np.abs(parse_hinges("B: +-5 axis=long", molecule)[0].axis), [0, 1, 0], atol=1e-6)


def test_motion_is_a_right_handed_turn_about_the_pivot(rods):
    molecule = read_model(rods, 4.0)
    hinges = parse_hinges("B: 90 axis=z pivot=0,0,0", molecule)
    moved = MovingMolecule.build(molecule, hinges).points_at(np.array([90.0])) + molecule.frame
    assert np.allclose(moved[:10], molecule.position[:10] + molecule.frame)
    assert np.allclose(moved[10], [-4, 0, 0], atol=1e-3)  # y turns to −x


def test_a_hinge_is_carried_by_the_one_written_after_it(rods):
    molecule = read_model(rods, 4.0)
    hinges = parse_hinges("B:6-10: 90 axis=z pivot=B:5; B: 90 axis=z pivot=0,0,0", molecule)
    code = groups(hinges, len(molecule))
    assert sorted(set(code.tolist())) == [0, 2, 3]
    tip = motions(hinges, np.array([[90.0, 90.0]]), 3)[0]
    moved = tip[:, :3] @ molecule.position[19] + tip[:, 3] + molecule.frame
    assert np.allclose(moved, [-20, -20, 0], atol=1e-3)


@pytest.mark.parametrize("text, reach, moving", [
    ("B:±15", (-15, 15), 10), ("B:3-5:+/-15", (-15, 15), 3), ("B: ± 15°", (-15, 15), 10), ("B: −10,20", (-10, 20), 10),
    ("B:1–5: -10°, 20°", (-10, 20), 5), ("A, B:1-5: ±5 axis=0, 0, 1", (-5, 5), 15),
])  # fmt: skip
def test_hinges_are_understood_as_people_write_them(rods, text, reach, moving):
    (hinge,) = parse_hinges(text, read_model(rods, 4.0))
    assert (hinge.low, hinge.high) == reach and hinge.moving.sum() == moving


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("C: ±5", "selects nothing.* A, B"),
        ("A,B: ±5", "whole molecule"),
        ("A ±5", "SELECTION: RANGE"),
        ("A:-5,5", "a blank after the colon"),
        ("A: ±5,7", "two numbers where ± takes one"),
        ("A: 5,1", "must rise"),
        ("A: -200,200", "no more than 360"),
        ("A: five", "no range"),
        ("A: 5 axis=q", "axis=q"),
        ("A: 5 axis=0,0,0", "axis="),
        ("A: 5 draw=even", "draw=even"),
        ("A: 5 speed=3", "not understood"),
        (" ; ", "nothing moves"),
    ],
)
def test_mistakes_in_hinges_are_explained(rods, text, message):
    with pytest.raises(InputError, match=message):
        parse_hinges(text, read_model(rods, 4.0))


def test_unreadable_molecules_are_refused(tmp_path):
    path = tmp_path / "empty.pdb"
    path.write_text("REMARK nothing\n")
    with pytest.raises(InputError, match="no atoms"):
        read_model(path, 4.0)
    path = tmp_path / "bad.mrc"
    path.write_bytes(b"x" * 2000)
    with pytest.raises(InputError, match="is no MRC map"):
        read_labelled_map(path, path)


def write_map(path, data, pixel_size):
    with mrcfile.new(path, overwrite=True) as file:
        file.set_data(data)
        file.voxel_size = pixel_size


def test_a_labelled_map_is_itself_at_rest_and_moves_by_its_labels(tmp_path):
    source = build_igg(20.0)
    hinges = parse_hinges("fab1: ±40 axis=0,1,0 pivot=0,0,0", source)
    moving = MovingMolecule.build(source, hinges)
    density = moving.map_at([0.0], 48, 6.0)
    write_map(tmp_path / "map.mrc", density, 6.0)
    write_map(tmp_path / "labels.mrc", moving.labels(48, 6.0, reach=40.0), 6.0)
    molecule = read_labelled_map(tmp_path / "map.mrc", tmp_path / "labels.mrc")
    copy = MovingMolecule.build(molecule, parse_hinges("1: ±40 axis=0,1,0 pivot=0,0,0", molecule))
    assert np.corrcoef(copy.map_at([0.0], 48, 6.0).ravel(), density.ravel())[0, 1] > 0.999
    turned = moving.map_at([35.0], 48, 6.0).ravel()
    assert np.corrcoef(copy.map_at([35.0], 48, 6.0).ravel(), turned)[0, 1] > 0.97
    assert np.corrcoef(density.ravel(), turned)[0, 1] < 0.85


def test_a_labelled_map_may_have_another_order_of_axes_than_its_labels(tmp_path):
    density = np.random.default_rng(0).uniform(1, 2, (6, 6, 6)).astype(np.float32)
    write_map(tmp_path / "map.mrc", np.ascontiguousarray(density.transpose(2, 0, 1)), 6.0)
    with mrcfile.open(tmp_path / "map.mrc", "r+") as file:
        file.header.maps, file.header.mapr, file.header.mapc = 1, 3, 2
    write_map(tmp_path / "labels.mrc", (np.where(np.arange(6) < 3, 1, 2) + np.zeros((6, 6, 1))).astype(np.float32), 1.0)
    molecule = read_labelled_map(tmp_path / "map.mrc", tmp_path / "labels.mrc")
    x, y, z = np.rint(molecule.position / 6 + 3).astype(int).T
    assert np.allclose(molecule.weight, density[z, y, x]) and (molecule.chain == np.where(x < 3, "1", "2")).all()
    write_map(tmp_path / "labels.mrc", np.full((6, 6, 6), 0.5, np.float32), 6.0)
    with pytest.raises(InputError, match="not whole numbers"):
        read_labelled_map(tmp_path / "map.mrc", tmp_path / "labels.mrc")


def test_a_map_needs_labels(tmp_path):
    write_map(tmp_path / "map.mrc", np.ones((8, 8, 8), np.float32), 6.0)
    with pytest.raises(InputError, match="labels"):
        run(SIMULATE.build({"molecule": tmp_path / "map.mrc", "hinges": "1: 5"}), JobRun(tmp_path))


def test_written_model_overlays_the_maps(rods, tmp_path):
    job = tmp_path / "job"
    job.mkdir()
    values = {"molecule": rods, "hinges": "B: ±20", "box": 20, "pixel_size": 6.0, "particles": 10, "resolution": 12.0}
    run(SIMULATE.build(values), JobRun(job))
    model = gemmi.read_structure(str(job / "molecule.cif"))[0]
    assert [chain.name for chain in model] == ["A", "B"]
    position = np.array([atom.pos.tolist() for chain in model for residue in chain for atom in residue])
    density = load_truth(job).map_at([0.0])
    voxel = np.rint(position / 6.0).astype(int)
    assert density[voxel[:, 2], voxel[:, 1], voxel[:, 0]].min() > 0.2 * density.max()


def test_an_antibody_of_the_protein_data_bank_turns_its_fab(shared_data):
    molecule = read_model(shared_data / "molecules" / "1hzh.pdb", 3.0)
    hinges = parse_hinges("L,H:1-230: 360; M,K:1-230: ±20", molecule)
    moving = MovingMolecule.build(molecule, hinges)
    assert 10000 < len(molecule) < 11000
    assert [3000 < hinge.moving.sum() < 3600 for hinge in hinges] == [True, True]
    states = np.stack([hinges[0].grid(12), np.zeros(12)], axis=1)
    assert moving.radius(states) < 110
