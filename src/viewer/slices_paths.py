"""What the panel's commands about the path do outside ChimeraX; each returns what is to be said.

Their arguments are those of ChimeraX's commands of the same words.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from ..explore.make_path import describe_path, make_path, write_path
from ..explore.path import LatentPath
from ..explore.playback import Playing

if TYPE_CHECKING:
    from .slices_scene import SlicesScene


def make_path_or_say(scene: SlicesScene, axis: str | None = None, **options) -> str:
    """A path along an axis; without one, what the path is."""
    if axis is not None:
        return path_along(scene, axis, **options)
    if options:
        raise InputError("a path along what? Name an axis too, such as flexrec path pc1.")
    return describe_path(scene.trained, _path_of(scene))


def path_along(scene: SlicesScene, axis: str, range=(5.0, 95.0), at=None, **options) -> str:  # noqa: A002
    """A path along an axis."""
    return path_by(scene, {"axis": axis, "percentiles": tuple(range), "at": at}, **options)


def path_pc(scene: SlicesScene, number: int, **options) -> str:
    """A path along a principal component, counted from 1."""
    return path_along(scene, f"pc{number}", **options)


def path_z(scene: SlicesScene, number: int, **options) -> str:
    """A path along a latent axis, counted from 1."""
    return path_along(scene, f"z{number}", **options)


def path_through(scene: SlicesScene, points: list[str], **options) -> str:
    """A path straight from point to point."""
    return path_by(scene, {"through": ";".join(points)}, **options)


def path_graph(scene: SlicesScene, points: list[str], **options) -> str:
    """A path over neighbouring particles."""
    return path_by(scene, {"graph": ";".join(points)}, **options)


def path_points(scene: SlicesScene, file: Path, **options) -> str:
    """The points of a file as the path."""
    return path_by(scene, {"points": file}, **options)


def path_by(scene: SlicesScene, how: dict, frames=None, in_angstroms=False, name=None, output=None) -> str:
    """A path, as ``how`` says to `make_path`."""
    path = make_path(scene.trained, frames=frames, in_angstroms=in_angstroms, **how)
    if name is not None:
        path = LatentPath(path.z, name, path.kind)
    if output is not None:
        write_path(scene.trained, path, output)
    scene.pause()
    scene.path, scene.place = path, 0.0
    return describe_path(scene.trained, path)


def morph(scene: SlicesScene, first: str, last: str, frames=None, in_angstroms=False, **how) -> str:
    """From state to state, played at once."""
    said = path_by(scene, {"through": f"{first};{last}"}, frames, in_angstroms, f"morph {first} {last}")
    play(scene, **how)
    return said


def play(scene: SlicesScene, what=None, speed=None, seconds=None, **how) -> None:
    """Play the path, or stop."""
    if what == "stop":
        scene.pause()
        scene.place = 0.0
        return
    scene.play(Playing.of(len(_path_of(scene)), speed, seconds, **how))


def pause(scene: SlicesScene) -> None:
    """Rest here."""
    scene.pause()


def scrub(scene: SlicesScene, place=None, frame=None) -> None:
    """One state of the path, by its place or its number."""
    if (place is None) == (frame is None):
        raise InputError("say where: a place from 0 to 1, or frame and a number from 1.")
    count = len(_path_of(scene))
    if frame is not None and frame > count:
        raise InputError(f"there is no frame {frame}: the path has {count}, counted from 1.")
    scene.scrub(place if frame is None else (frame - 1) / max(count - 1, 1))


def record(scene: SlicesScene, file: Path, **how) -> None:
    """The path as a movie."""
    scene.recording.begin(scene.trained, _path_of(scene), file, **how)


def stop_recording(scene: SlicesScene) -> None:
    """Record no more, and leave no file."""
    if not scene.recording.stop():
        raise InputError("no movie is being recorded.")


def _path_of(scene: SlicesScene) -> LatentPath:
    if scene.path is None:
        raise InputError("there is no path yet; make one first.")
    return scene.path
