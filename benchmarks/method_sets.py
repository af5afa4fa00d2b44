"""The sets of particles of bench_methods.py: what is simulated, and what of FlexRec a user would take for it.

- hinge: a Fab of the built-in antibody swings by ±15°;
- composition: the same, and half of the particles lack the other Fab;
- igg1d: CryoBench's IgG-1D, a Fab of PDB entry 1HZH turned by 360° in 100 conformations;
- linker: as CryoBench's IgG-RL, that Fab on a random linker, 100 conformations: all round a cone, bent and twisted;
- assembly: as CryoBench's Ribosembly, 1HZH in steps of assembly, nothing moves: one Fab, the other after it, and
  beside them the end of the Fc.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from chimerax.flexrec.errors import InputError

FAB = "L,H:1-230"
OTHER_FAB = "M,K:1-230"
FC_END = "H:361-478,K:361-478"


@dataclass(frozen=True)
class MethodSet:
    """simulate : parameters, as text; field : Å, the images' edge; decoder, latents : of FlexRec's training.

    snr : where none is given; molecule : whether PDB entry 1HZH is needed
    cryobench : whether the SNR is CryoBench's instead, 0.01 of images of 256 pixels and four times that at half of them
    """

    simulate: dict[str, str]
    field: float
    decoder: str
    latents: int
    box: int = 64
    snr: float = 0.1
    molecule: bool = False
    cryobench: bool = False

    def snr_at(self, box: int) -> float:
        """The signal-to-noise ratio of images of so many pixels, where none is given."""
        return round(0.01 * (256 / box) ** 2, 6) if self.cryobench else self.snr


_LIKE_CRYOBENCH = {"resolution": "3", "shift": "17"}
SETS = {
    "hinge": MethodSet({"hinges": "fab1: ±15"}, 320, "flow", 1),
    "composition": MethodSet({"hinges": "fab1: ±15", "drop": "fab2: 0.5"}, 320, "occupancy", 2),
    "igg1d": MethodSet(
        {"hinges": f"{FAB}: 360", "states": "100"} | _LIKE_CRYOBENCH, 384, "flow", 2, molecule=True, cryobench=True
    ),
    "linker": MethodSet(
        {
            "hinges": f"{FAB}: ±90 axis=long draw=normal; {FAB}: ±40 axis=bend draw=normal; {FAB}: 360 axis=cone",
            "states": "100",
        } | _LIKE_CRYOBENCH, 384, "flow", 4, molecule=True, cryobench=True,
    ),
    "assembly": MethodSet(
        {"hinges": "rigid", "drop": f"{FAB}: 0.3; {OTHER_FAB}: 0.5 after {FAB}; {FC_END}: 0.3"} | _LIKE_CRYOBENCH,
        384, "occupancy", 3, molecule=True, cryobench=True,
    ),
}  # fmt: skip


def simulate_values(
    name: str, molecule: Path | None, particles: int, box: int | None, pixel_size: float | None, snr: float | None
) -> dict[str, str]:
    """The parameters of ``simulate`` for a set, as text; ``InputError`` where its molecule is not given."""
    one = SETS[name]
    box = box or one.box
    pixel_size = pixel_size or one.field / box
    values = one.simulate | {
        "particles": str(particles), "box": str(box), "pixel_size": f"{pixel_size:g}",
        "snr": f"{one.snr_at(box) if snr is None else snr:g}",
    }  # fmt: skip
    if not one.molecule:
        return values
    if molecule is None or not molecule.exists():
        what = f"{molecule} is no file" if molecule else "no --molecule is given"
        raise InputError(f"The set {name} is of PDB entry 1HZH, and {what}; give its PDB or mmCIF file by --molecule.")
    return values | {"molecule": str(molecule.resolve())}
