"""What an action acts on in ChimeraX: one of the session's models, or the session where none is open yet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..actions.action_scene import Table
from ..actions.path_actions import Movie
from ..errors import InputError
from ..explore.anchors import point_text
from ..explore.named_states import State
from ..explore.path import LatentPath
from ..explore.playback import Playing
from ..explore.trained_model import Trained, open_trained
from ..jobs.find_model import model_meant
from ..reading import Reading
from ..scene.background_work import work_in_background
from ..scene.decoding import waits
from ..scene.scene_model import FlexRecModel
from . import demo, movies, opened
from .arguments import open_models
from .tables import log_table
from .undo import ShownPoint


class SessionScene:
    """Implements `actions.Scene`; ``model`` is None for actions that are about none."""

    path_file = None  # paths are written where somebody says

    def __init__(self, session, model: FlexRecModel | None) -> None:
        self.session, self.model = session, model

    @property
    def trained(self) -> Trained:
        """See `actions.Scene`."""
        return self.model.trained

    @property
    def project(self) -> Path:
        """See `actions.Scene`."""
        return self.trained.project

    @property
    def z(self) -> np.ndarray | None:
        """See `actions.Scene`."""
        return self.model.z

    @property
    def path(self) -> LatentPath | None:
        """See `actions.Scene`."""
        return self.model.path

    @property
    def recorded(self) -> float | None:
        """See `actions.Scene`."""
        return None if self.model.recorder is None else self.model.recorder.done

    def say(self, sentence: str) -> None:
        """See `actions.Scene`: in the Log."""
        self.session.logger.info(sentence)

    def show_table(self, table: Table) -> None:
        """See `actions.Scene`: in the Log, with links."""
        log_table(self.session, table, self.model)

    def wrote(self, file: Path, sentence: str = "") -> None:
        """See `actions.Scene`."""
        if sentence:
            self.say(sentence)

    def work(self, compute: Callable[[], Any], done: Callable[[Any], None], what: str) -> None:
        """See `actions.Scene`: in a thread, but in scripts at once."""

        def ended(result: Any, error: Exception | None) -> None:
            try:
                if error is not None:
                    raise error
                done(result)
            except (InputError, OSError) as failure:
                if waits(self.session):
                    raise
                self.session.logger.warning(f"FlexRec: {failure}")

        self.session.logger.status(what)
        work_in_background(self.session, compute, ended)

    def progress(self, what: str, step: int, total: int) -> None:
        """See `actions.Scene`: in the status line."""
        self.session.logger.status(f"{what} {step} of {total}")

    def other_training(self, name: str) -> Trained:
        """See `actions.Scene`: ``#2`` is an open model."""
        if not name.startswith("#"):
            return open_trained(model_meant(name, self.project))
        for model in open_models(self.session):
            if model.id_string == name[1:]:
                return model.trained
        raise InputError(f"{name} is no FlexRec model; name one that is open, or a job.")

    def use_path(self, path: LatentPath) -> None:
        """See `actions.Scene`."""
        self.model.path = path

    # ----- with a map -----

    def open(self, path: Path, name: str | None = None, reading: Reading = Reading()) -> FlexRecModel:  # noqa: B008
        """See `actions.Scene`."""
        return opened.open_model(self.session, path, name, reading)

    def own_folder(self) -> Path:
        """See `actions.Scene`."""
        from chimerax import app_dirs_unversioned

        return Path(app_dirs_unversioned.user_data_dir)

    def open_demo(self, project: Path) -> FlexRecModel:
        """See `actions.Scene`: with its atoms."""
        return demo.open_demo(self.session, project)

    def set_level(self, level: float) -> None:
        """The contour level of the map."""
        self.model.want_map().set_parameters(surface_levels=[level])

    def show(self, z: np.ndarray | None) -> Any:
        """See `actions.Scene`: so that it can be undone, with its numbers, and a warning where no particles are."""
        model = self.model
        if z is not None:
            z = model.trained.point(z)
            self._warn_outside(z)
        self.session.undo.register(ShownPoint(model, model.z, z))
        model.player.leave()
        model.want_map()
        model.show(z)
        model.point_status.rest(model.z)
        return model.map

    def _warn_outside(self, z: np.ndarray) -> None:
        def answered(facts: dict, _: None) -> None:
            if facts["outside"][0]:
                sentence = f"z = {point_text(z)} lies outside the data: no particle supports this map."
                self.session.logger.warning(sentence)

        self.model.ask("support", {"z": [z.tolist()]}, answered, channel="support")

    def play(self, how: Playing) -> None:
        """See `actions.Scene`."""
        self.model.player.play(how)

    def pause(self) -> None:
        """See `actions.Scene`."""
        self.model.player.pause()

    def stop(self) -> None:
        """See `actions.Scene`."""
        self.model.player.stop()

    def scrub(self, place: float) -> None:
        """See `actions.Scene`."""
        self.model.player.scrub(place)
        self.model.point_status.rest(self.z)

    def compare(self, first: State, second: State, how: str) -> None:
        """See `actions.Scene`."""
        self.model.comparison.begin((first, second), how)

    def end_comparison(self) -> None:
        """See `actions.Scene`."""
        self.model.comparison.end()

    def record(self, path: LatentPath, movie: Movie) -> Path:
        """See `actions.Scene`."""
        return movies.record(self.session, self.model, path, movie)

    def stop_recording(self) -> None:
        """See `actions.Scene`."""
        self.model.recorder.cancel("movie recording was stopped.")
