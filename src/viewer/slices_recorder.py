"""A movie of slices: each state is decoded, painted and written, one at a time, and then the frames are encoded."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
from qtpy.QtCore import QObject, QProcess, QRectF, Signal
from qtpy.QtGui import QImage, QPainter

from ..atomic import atomic_path
from ..decoder_process import Answer, Engine
from ..errors import InputError
from ..explore.path import LatentPath
from ..explore.trained_model import Trained, opened_again
from ..figures.latents_inset import latent_picture, marked
from .slice_view import BACKGROUND, Slices
from .slices_film import SlicesFilm

_MODEL = "movie"  # the engine's name for it: another model may be opened in the window meanwhile
_QUICK = 80  # of a PNG: little compression


class SlicesRecorder(QObject):
    """Records one movie of a path's states in ``order``, on the grey scale of ``slices``; the window stays free."""

    ended = Signal(object)  # what went wrong, or None

    def __init__(
        self, engine: Engine, trained: Trained, path: LatentPath, order: list[int], film: SlicesFilm, slices: Slices,
        parent: QObject,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self.film, self.states = film, path.z[order]
        self._engine, self._slices = engine, slices.same_scale()
        self._folder = Path(tempfile.mkdtemp(prefix="flexrec-"))
        self._plot = latent_picture(trained, path, film.plot) if film.plot else None
        self._opened, self._number, self._asked = opened_again(trained), 0, 0
        self._encoder: QProcess | None = None
        self._over = False

    @property
    def done(self) -> float:
        """How much of the movie there is, 0 to 1; the last step is the encoding."""
        return self._number / (len(self.states) + 1)

    def start(self) -> None:
        """Begin; `ended` says when it is over."""
        self._engine.ask("open", {"model": _MODEL, **self._opened}, failed=self._failed)
        self._next()

    def cancel(self, why: str) -> None:
        """Record no more, and leave no file."""
        if not self._over:
            self._engine.cancel(self._asked)
            self._end(why)

    def _failed(self, error: Exception) -> None:
        self.cancel(str(error))

    def _next(self) -> None:
        if self._number == len(self.states):
            self._encode()
            return
        fields = {"model": _MODEL, "z": self.states[self._number].tolist()}
        self._asked = self._engine.ask("decode", fields, failed=self._failed, done=self._came)

    def _came(self, answer: Answer) -> None:
        if self._over:
            return
        self._slices.show_map(answer.array, float(answer.fields["pixel_size"]))
        if not self._picture().save(str(self.film.frame(self._folder, self._number)), "PNG", _QUICK):
            self.cancel(f"{self._folder}: frames of the movie cannot be written there; is the disk full?")
            return
        self._number += 1
        self._next()

    def _picture(self) -> QImage:
        wide, high = self.film.size
        image = QImage(wide, high, QImage.Format.Format_RGB32)
        image.fill(BACKGROUND)
        painter, scale = QPainter(image), self.film.scale
        if self._plot is not None:
            painter.drawImage(0, high - self.film.plot, self._marked())
        painter.scale(scale, scale)
        self._slices.paint(painter, QRectF(self.film.plot / scale, 0, (wide - self.film.plot) / scale, high / scale))
        painter.end()
        return image

    def _marked(self) -> QImage:
        """The plot with the mark at the state."""
        picture, view, place = self._plot
        picture = np.ascontiguousarray(marked(picture, place(view.project(self.states[self._number]))))
        side = len(picture)
        return QImage(picture.data, side, side, 4 * side, QImage.Format.Format_RGBA8888).copy()

    # ----- encoding -----

    def _encode(self) -> None:
        program, *words = self.film.encoder(self._folder)
        self._encoder = QProcess(self)
        self._encoder.setWorkingDirectory(str(self._folder))
        self._encoder.finished.connect(self._encoded)
        self._encoder.errorOccurred.connect(self._encoded)
        self._encoder.start(program, words)

    def _encoded(self, *_) -> None:
        if self._over:
            return
        encoder, movie = self._encoder, self.film.encoded(self._folder)
        if encoder.exitStatus() != QProcess.ExitStatus.NormalExit or encoder.exitCode() or not movie.is_file():
            error_text = bytes(encoder.readAllStandardError()).decode("utf-8", "replace").strip()[-300:]
            self._end(f"{self.film.file}: the frames could not be encoded ({error_text or encoder.errorString()}).")
            return
        try:
            self._keep(movie)
        except InputError as error:
            self._end(str(error))
        except OSError as error:
            self._end(f"{error.filename}: {error.strerror}; choose another place.")
        else:
            self._end(None)

    def _keep(self, movie: Path) -> None:
        """Put movie and frames where they are wanted."""
        with atomic_path(self.film.file) as temporary:
            shutil.copyfile(movie, temporary)
            if self.film.frames_folder is not None:
                movie.unlink()
                _copy_whole(self._folder, self.film.frames_folder)

    def _end(self, problem: str | None) -> None:
        self._over = True
        if self._encoder is not None and self._encoder.state() != QProcess.ProcessState.NotRunning:
            self._encoder.kill()
            self._encoder.waitForFinished()
        self._engine.ask("close", {"model": _MODEL}, failed=lambda _: None)
        shutil.rmtree(self._folder, ignore_errors=True)
        self.ended.emit(problem)
        self.deleteLater()


def _copy_whole(folder: Path, wanted: Path) -> None:
    """A copy of a folder that appears whole or not at all."""
    copy = wanted.with_name(f".{wanted.name}.{os.getpid()}.part")
    try:
        shutil.copytree(folder, copy)
        os.replace(copy, wanted)
    finally:
        shutil.rmtree(copy, ignore_errors=True)
