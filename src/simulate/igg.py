"""An immunoglobulin G built in code: twelve β-sandwich domains on the geometry of an antibody, about 1,240 residues.

No file is read. Every domain has two antiparallel β sheets (strands 4.8 Å apart, sheets 10 Å apart and turned by 30°),
loops between the strands, and side chains of varying size, so that its density has the texture of a protein between 5
and 12 Å. Lengths of strands and sizes of side chains are drawn from a fixed seed: the molecule is always the same,
and no two of its domains look alike, as in the real one. Chains are named as in PDB 1HZH: H and L make
the first Fab, K and M the second; the second halves of H and K make the Fc.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from .molecule import Molecule, gaussian_width

RISE, STRAND_GAP, SHEET_GAP, STEP = 3.35, 4.8, 10.0, 3.8
_FAB_TILT = 62.0  # degrees between the long axis of a Fab and the axis of the Fc, pointing away from the Fc
_SIDE_CHAINS = {"GLY": 0, "ALA": 1, "SER": 2, "VAL": 3, "LEU": 4, "ASP": 4, "GLU": 5, "LYS": 5, "PHE": 7, "TRP": 10}


@dataclass(frozen=True)
class _Domain:
    """Where a domain of the antibody lies: position of its centre (Å) and rotation of its local frame."""

    strands: tuple[int, int]
    centre: np.ndarray
    rotation: Rotation


def build_igg(resolution: float) -> Molecule:
    """The antibody, its atoms blurred to ``resolution`` (Å), centred on its centre of mass."""
    rng = np.random.default_rng(1969)  # the year in which the first antibody sequence was known
    traces = _chain_traces(rng)
    chains = _relax([_join(pieces) for pieces in traces.values()])
    rows = [row for name, trace in zip(traces, chains) for row in _chain_atoms(name, trace, rng)]
    chain, residue, residue_name, atom, element, weights, positions = (list(column) for column in zip(*rows))
    position, weight = np.array(positions), np.array(weights, np.float64)
    centre = np.average(position, axis=0, weights=weight)
    return Molecule(
        position - centre, weight, np.array(chain), np.array(residue), gaussian_width(resolution), np.inf, centre,
        "built-in IgG", _parts(traces), np.array(atom), np.array(residue_name), np.array(element),
    )  # fmt: skip


def _chain_traces(rng: np.random.Generator) -> dict[str, list[np.ndarray]]:
    """Cα traces ``(r, 3)`` of the chains H, L, K, M in Å: the Fab's piece and, of H and K, the Fc's.

    The Fc points down (−z), the hinge is at the origin.
    """
    traces = {}
    for heavy, light, side in (("H", "L", 1), ("K", "M", -1)):
        half = Rotation.from_euler("z", 0 if side == 1 else 180, degrees=True)
        fab = half * Rotation.from_euler("zy", [25 * side, _FAB_TILT + 8 * side], degrees=True)
        origin = half.apply([9.0, 0, 4.0])
        vh, ch1, vl, cl = (_domain_trace(domain, rng) for domain in _fab_domains(origin, fab, side))
        ch2, ch3 = (_domain_trace(domain, rng) for domain in _fc_domains(half))
        fab_end, fc_end = half.apply([[5.0, 3.0, 6.0], [6.0, 0, -8.0]])[:, None]
        fab_part = _join([vh, ch1, fab_end])
        traces[heavy] = [fab_part, _join([fc_end, ch2, ch3])]
        traces[light] = [_join([vl, cl])]
    return {name: traces[name] for name in "HLKM"}


def _parts(traces: dict[str, list[np.ndarray]]) -> dict[str, str]:
    """The Fabs end, and the Fc begins, in the middle of the hinge."""
    h, k = len(traces["H"][0]), len(traces["K"][0])
    return {"fab1": f"L,H:1-{h}", "fab2": f"M,K:1-{k}", "fc": f"H:{h + 1}-9999,K:{k + 1}-9999"}


def _fab_domains(origin: np.ndarray, fab: Rotation, side: int) -> list[_Domain]:
    """VH, CH1, VL, CL of a Fab whose long axis starts at ``origin``; the elbow bends the variable pair by 20°."""
    elbow = fab * Rotation.from_euler("x", 20 * side, degrees=True)
    variable = origin + fab.apply([0, 0, 38.0]) + elbow.apply([0, 0, 19.0])
    constant = origin + fab.apply([0, 0, 20.0])
    domains = []
    for sign, strands in ((1, (4, 5)), (1, (3, 4)), (-1, (4, 5)), (-1, (3, 4))):
        frame, centre = (elbow, variable) if strands == (4, 5) else (fab, constant)
        turn = Rotation.from_euler("zx", [90 - 90 * sign, 180], degrees=True)
        domains.append(_Domain(strands, centre + frame.apply([11.5 * sign, 0, 0]), frame * turn))
    return domains


def _fc_domains(half: Rotation) -> list[_Domain]:
    """CH2 and CH3 of one half of the Fc: the CH2 stand apart, the CH3 touch."""
    tilt = half * Rotation.from_euler("yz", [-12, 15], degrees=True)
    ch2 = _Domain((3, 4), half.apply([17.0, 2.0, -34.0]), tilt)
    ch3 = _Domain((3, 4), half.apply([11.0, -3.0, -72.0]), half * Rotation.from_euler("yz", [10, 80], degrees=True))
    return [ch2, ch3]


def _domain_trace(domain: _Domain, rng: np.random.Generator) -> np.ndarray:
    """Cα trace ``(r, 3)`` of a β sandwich: strands zigzag up and down one sheet, then the other; arcs join them."""
    pieces: list[np.ndarray] = []
    for sheet, count in enumerate(domain.strands):
        turn = Rotation.from_euler("y", 30.0 * (sheet - 0.5), degrees=True)
        for strand in range(count):
            length = int(rng.integers(8, 12))
            piece = _strand(length, (strand - (count - 1) / 2) * STRAND_GAP, twist=4.0 * (strand - (count - 1) / 2))
            piece = turn.apply(piece) + [0, (sheet - 0.5) * SHEET_GAP, rng.uniform(-1.5, 1.5)]
            piece = piece[::-1] if (strand + sheet) % 2 else piece
            if pieces:
                pieces.append(_arc(pieces[-1][-1], piece[0], bulge=rng.uniform(4, 7) if strand else 11.0))
            pieces.append(piece)
    return domain.rotation.apply(np.concatenate(pieces)) + domain.centre


def _strand(length: int, offset: float, twist: float) -> np.ndarray:
    """A pleated strand along z through x = ``offset``, turned by ``twist`` degrees about x."""
    step = np.arange(length)
    strand = np.stack([np.zeros(length), 0.9 * (-1.0) ** step, (step - (length - 1) / 2) * RISE], axis=1)
    return Rotation.from_euler("y", twist, degrees=True).apply(strand) + [offset, 0, 0]


def _arc(start: np.ndarray, end: np.ndarray, bulge: float = 0.0) -> np.ndarray:
    """Points about 3.8 Å apart strictly between two points, on a path bowed by ``bulge`` Å up or down the local z."""
    t = np.linspace(0, 1, 200)[:, None]
    outward = np.array([0.0, 0.0, 1.0 if (start + end)[2] >= 0 else -1.0])
    path = start + t * (end - start) + np.sin(np.pi * t) * bulge * outward
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    count = max(round(length[-1] / STEP), 1)
    return np.stack([np.interp(np.arange(1, count) * length[-1] / count, length, axis) for axis in path.T], axis=1)


def _join(domains: list[np.ndarray]) -> np.ndarray:
    """One chain of several domains with straight linkers."""
    chain = [domains[0]]
    for following in domains[1:]:
        chain += [_arc(chain[-1][-1], following[0]), following]
    return np.concatenate(chain)


def _relax(chains: list[np.ndarray]) -> list[np.ndarray]:
    """Push apart Cα closer than 4.4 Å, holding neighbours along a chain 3.8 Å apart, in forty damped steps."""
    trace = np.concatenate(chains)
    ends = np.cumsum([len(chain) for chain in chains])
    bonds = np.setdiff1d(np.arange(len(trace) - 1), ends - 1)
    bonds = np.stack([bonds, bonds + 1], axis=1)
    for _ in range(40):
        near = cKDTree(trace).query_pairs(4.4, output_type="ndarray")
        near = near[near[:, 1] - near[:, 0] > 1]
        push = np.zeros_like(trace)
        for pairs, rest, share in ((near, 4.4, 0.3), (bonds, STEP, 0.3)):
            apart = trace[pairs[:, 1]] - trace[pairs[:, 0]]
            distance = np.linalg.norm(apart, axis=1, keepdims=True)
            move = share * (rest - distance) * apart / distance
            np.add.at(push, pairs[:, 1], move)
            np.add.at(push, pairs[:, 0], -move)
        trace = trace + push
    return np.split(trace, ends[:-1])


def _chain_atoms(chain: str, trace: np.ndarray, rng: np.random.Generator) -> list[tuple]:
    """N, CA, C, O and a side-chain centre (CB) per residue; weight = electrons, the side chain's added up in CB."""
    names = rng.choice(list(_SIDE_CHAINS), len(trace))
    along = np.gradient(trace, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    bend = np.roll(trace, 1, axis=0) + np.roll(trace, -1, axis=0) - 2 * trace
    outward = -_perpendicular(bend, along)
    across = np.cross(along, outward)
    rows = []
    for i, name in enumerate(names):
        size = _SIDE_CHAINS[name]
        sites: list[tuple[str, str, float, np.ndarray]] = [
            ("N", "N", 7, trace[i] - 1.2 * along[i] + 0.4 * across[i]),
            ("CA", "C", 6, trace[i]),
            ("C", "C", 6, trace[i] + 1.2 * along[i] + 0.4 * across[i]),
            ("O", "O", 8, trace[i] + 1.4 * along[i] + 1.6 * across[i]),
        ]
        if size:
            sites.append(("CB", "C", 6.3 * size, trace[i] + (1.2 + 0.22 * size) * outward[i]))
        rows += [(chain, i + 1, str(name), atom, element, weight, site) for atom, element, weight, site in sites]
    return rows


def _perpendicular(vectors: np.ndarray, along: np.ndarray) -> np.ndarray:
    """Unit vectors of ``vectors`` perpendicular to ``along``; where they vanish, any perpendicular one."""
    vectors = vectors - (vectors * along).sum(1, keepdims=True) * along
    spare = np.cross(along, [0.36, 0.48, 0.8])
    weak = np.linalg.norm(vectors, axis=1) < 1e-3
    vectors[weak] = spare[weak]
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
