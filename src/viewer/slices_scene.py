"""The scene outside ChimeraX: maps by the engine process, shown as slices; the same commands, run here."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtCore import QObject, QStandardPaths, QTimer, Signal

from ..actions.action_scene import Table
from ..actions.path_actions import Movie
from ..decoder_process import Answer, Engine, EngineError
from ..errors import InputError
from ..explore.compare_states import Compared, difference_of, side_by_side_of
from ..explore.named_states import State
from ..explore.path import LatentPath
from ..explore.playback import Playing
from ..explore.trained_model import Trained, open_trained, opened_again
from ..jobs.find_model import model_meant, named_model
from ..reading import Reading
from .command_line import run_command
from .slice_view import Slices
from .slices_film import movie_suffixes
from .slices_recording import Recording

_COARSE = 64  # voxels on a side of the map while the hand drags
_LOOK = 5  # milliseconds between looks for answers
_FRAME = 30  # milliseconds between states that are played


class SlicesScene(QObject):
    """Implements `panel.Scene` and `actions.Scene`. ``mapped`` gives each map ``(N, N, N)`` and its pixel size, Å."""

    mapped = Signal(object, float)
    opened = Signal()  # another model, before its first map
    compared = Signal(object, object)  # what is compared now, and two maps; None and None when that is ended
    message = Signal(str)  # a line for the log
    failed = Signal(str)  # a sentence for the user
    changed = Signal()
    computing = None  # the window waits

    def __init__(self, slices: Slices, python: str | None = None) -> None:
        """``slices`` show the maps; movies look like them."""
        super().__init__()
        self.trained: Trained | None = None
        self.z: np.ndarray | None = None
        self.path: LatentPath | None = None
        self.place = 0.0
        self.comparison: Compared | None = None
        self.playing = False
        self._wanted: object = None  # the comparison whose maps are being decoded
        self._playing: Playing | None = None
        self._began = 0.0
        self._engine = Engine(python)
        self.recording = Recording(self._engine, slices, self)
        self.recording.message.connect(self.message)
        self.recording.failed.connect(self.failed)
        self._answers = QTimer(self, interval=_LOOK)
        self._answers.timeout.connect(self._engine.deliver)
        self._clock = QTimer(self, interval=_FRAME)
        self._clock.timeout.connect(self._play_on)

    def open(self, path: Path, name: str | None = None, reading: Reading = Reading()) -> None:  # noqa: B008
        """Open a project or a train job; ``InputError`` where there is no model. No ``name`` is shown here."""
        trained = open_trained(named_model(Path(path), reading.format), reading)
        self.pause()
        self.end_comparison()
        self.trained, self.z, self.path, self.place = trained, None, None, 0.0
        self._engine.ask("open", {"model": "m", **opened_again(trained)}, failed=self._complain)
        self._answers.start()
        self.opened.emit()
        self.mapped.emit(trained.model.volume, trained.model.pixel_size)
        self.changed.emit()

    def renew(self, folder: Path) -> None:
        """See `panel.Scene`; the first model that a training writes is opened where none is."""
        if self.trained is not None and self.trained.folder != folder:
            return
        before, z, path = self.trained, self.z, self.path
        with suppress(InputError, OSError):  # the training may be about to write the next one, found then
            self.open(folder)
            if before is not None and before.model.latent_dims == self.trained.model.latent_dims:
                self.path = path
                self.show(z)

    def on_change(self, changed: Callable[[], None]) -> Callable[[], None]:
        """See `panel.Scene`."""
        self.changed.connect(changed)
        return lambda: self.changed.disconnect(changed)

    def on_failure(self, listener: Callable[[str], None]) -> Callable[[], None]:
        """See `panel.Scene`."""
        self.failed.connect(listener)
        return lambda: self.failed.disconnect(listener)

    def drag(self, z: np.ndarray) -> None:
        """See `panel.Scene`: a coarse map, where the model's is larger."""
        self._leave()
        self._move(z)

    follow = drag  # what is asked of the engine while it decodes waits there, and only the newest is kept

    def show(self, z: np.ndarray | None) -> None:
        """The true map at ``z`` ``(K,)``, or that at rest."""
        self._leave()
        self._go(z, self.trained.model.box)

    def run(self, command: str) -> bool:
        """See `panel.Scene`."""
        self.message.emit(command)
        try:
            run_command(self, command)
        except (InputError, EngineError) as error:
            self.failed.emit(str(error))
            return False
        except OSError as error:
            self.failed.emit(f"{error.filename}: {error.strerror}; choose another place.")
            return False
        except Exception as error:
            # PyQt ends the program where one leaves a slot
            traceback.print_exc()
            self.failed.emit(f"{command} failed, by a mistake in FlexRec ({type(error).__name__}: {error}); the "
                             "terminal says where.")  # fmt: skip
            return False
        self.changed.emit()
        return True

    def close(self) -> None:
        """End the engine process, and what it is asked for."""
        self.recording.stop()
        self._clock.stop()
        self._answers.stop()
        self._engine.close()

    def compare(self, first: State, second: State, how: str) -> None:
        """Decode both maps, and give them to who shows them: `compared`."""
        self.end_comparison()
        trained, names, maps = self.trained, (first.name, second.name), []
        wanted = self._wanted = object()

        def came(answer: Answer) -> None:
            maps.append(answer.array)
            if len(maps) == 2 and self._wanted is wanted and self.trained is trained:
                self.comparison = _comparison(how, names, maps)
                self.message.emit(self.comparison.sentence)
                self.compared.emit(self.comparison, tuple(maps))
                self.changed.emit()

        for one in (first, second):
            self._engine.ask("decode", {"model": "m", "z": one.z.tolist()}, failed=self._complain, done=came)

    def end_comparison(self) -> None:
        """Show no comparison any more."""
        self._wanted = None
        if self.comparison is not None:
            self.comparison = None
            self.compared.emit(None, None)
            self.changed.emit()

    # ----- what actions ask: see `actions.Scene` -----

    path_file = None  # paths are written where somebody says

    @property
    def project(self) -> Path:
        """The folder of the open model's project."""
        return self.trained.project

    def say(self, sentence: str) -> None:
        """A line for the log."""
        self.message.emit(sentence)

    def show_table(self, table: Table) -> None:
        """Lines for the log."""
        self.message.emit(table.text())

    def wrote(self, file: Path, sentence: str = "") -> None:
        """What is to be said of a file that was written."""
        if sentence:
            self.message.emit(sentence)

    def work(self, compute: Callable[[], Any], done: Callable[[Any], None], what: str) -> None:
        """The window waits."""
        done(compute())

    def progress(self, what: str, step: int, total: int) -> None:
        """Not drawn: the window waits."""

    def other_training(self, name: str) -> Trained:
        """A job of the project, or a folder."""
        return open_trained(model_meant(name, self.project))

    def own_folder(self) -> Path:
        """Where a user's own data are kept."""
        return Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.GenericDataLocation))

    def open_demo(self, project: Path) -> None:
        """Open the example."""
        self.open(project)

    def use_path(self, path: LatentPath) -> None:
        """Play this from now on, from its beginning."""
        self.pause()
        self.path, self.place = path, 0.0

    def stop(self) -> None:
        """Rest here; the next play starts at the beginning."""
        self.pause()
        self.place = 0.0

    def record(self, path: LatentPath, movie: Movie) -> None:
        """Record a path beside what the window does."""
        self.recording.begin(self.trained, path, movie)

    def stop_recording(self) -> None:
        """Record no more, and leave no file."""
        self.recording.stop()

    # ----- along the path -----

    def play(self, how: Playing) -> None:
        """Play the path from where it rests."""
        elapsed = how.time_of(self.place)
        self._playing, self.playing = how, True
        self._began = time.monotonic() - (elapsed if elapsed < how.seconds else 0.0)
        self._clock.start()

    def pause(self) -> None:
        """Rest here, with the true map."""
        if self.playing:
            self.show(self.z)

    def scrub(self, place: float) -> None:
        """Show the state at a place of the path, 0 to 1."""
        self.place = place
        self.show(self.path.point(place))

    def _play_on(self) -> None:
        elapsed = time.monotonic() - self._began
        self.place = self._playing.place(elapsed)
        self._move(self.path.point(self.place))
        if self._playing.ended(elapsed):
            self.pause()

    def _leave(self) -> None:
        """Play no more: a hand or a command says where to go."""
        self._clock.stop()
        self.playing = False

    # ----- movies -----

    @property
    def films_view(self) -> bool:
        """See `panel.Scene`: another process paints the slices of a movie."""
        return False

    @property
    def movies(self) -> tuple[str, ...]:
        """See `panel.Scene`."""
        return movie_suffixes()

    @property
    def recorded(self) -> float | None:
        """See `panel.Scene`."""
        return self.recording.done

    # ----- maps -----

    def _move(self, z: np.ndarray) -> None:
        """Where the next map follows soon."""
        self._go(z, min(_COARSE, self.trained.model.box))

    def _go(self, z: np.ndarray | None, box: int) -> None:
        model = self.trained.model
        self.z = None if z is None else model.checked(z)
        if self.z is None:
            self.mapped.emit(model.volume, model.pixel_size)
        else:
            fields = {"model": "m", "z": self.z.tolist(), "box": box, "quick": box != model.box}
            self._engine.ask("decode", fields, channel="map", failed=self._complain, done=self._came)
        self.changed.emit()

    def _came(self, answer: Answer) -> None:
        self.mapped.emit(answer.array, float(answer.fields["pixel_size"]))

    def _complain(self, error: Exception) -> None:
        self.failed.emit(str(error))


def _comparison(how: str, names: tuple[str, str], maps: list[np.ndarray]) -> Compared:
    if how == "beside":
        return side_by_side_of(names, "on the grey scale of the moving map", coloured=False)
    return difference_of(names, f"full colour at ±{float(np.abs(maps[1] - maps[0]).max()):.3g}")
