"""Actions that take long, done in a process of their own while the window goes on; ``flexrec cancel`` ends them."""

from __future__ import annotations

import time
from contextlib import suppress
from queue import Empty
from typing import Any

from ..actions.action import Action, NoParameters
from ..actions.apart_process import request_of, table_of
from ..decoder_process import EngineError
from ..decoder_process.child import Child
from ..decoder_process.messages import packed
from ..environment import booted
from ..errors import InputError
from ..scene.apart import Computing
from ..scene.settings import engine_python
from .arguments import open_models
from .session_scene import SessionScene

_PROCESS = "chimerax.flexrec.actions.apart_process"
_EVERY = 0.2  # seconds between two words of how far it is: each draws the panel again


class ApartWork(Computing):
    """One action on one model, which another one of the same words replaces."""

    def __init__(self, scene: SessionScene, action: Action, asked: Any) -> None:
        self.words, self.progress_text = action.words, f"{action.words}: starting …"
        self._scene, self._model, self._answered, self._next = scene, scene.model, False, 0.0
        models = {f"#{model.id_string}": model.trained for model in open_models(scene.session)}
        request = request_of(action.words, asked, {"": scene.trained, **models})
        python = engine_python(scene.session)
        try:
            self._child = Child(python, booted(_PROCESS))
        except OSError as error:
            raise EngineError(f"{python} cannot be run ({error.strerror}); choose another with flexrec engine python.",
                              "start") from error  # fmt: skip
        self._child.send(packed(request))
        self._handlers = [scene.session.triggers.add_handler("new frame", self._look),
                          scene.session.triggers.add_handler("app quit", lambda *_: self.end())]  # fmt: skip
        self._report(self.progress_text)

    def end(self) -> None:
        """See `Computing`."""
        for handler in self._handlers:
            handler.remove()
        self._handlers = []
        self._child.end()
        self._model.forget_computing(self)

    def _look(self, *_) -> None:
        with suppress(Empty):
            while self._handlers:
                event = self._child.event()
                if event is None:
                    self._ended()
                    return
                self._take(event[0])

    def _take(self, message: dict) -> None:
        scene = self._scene
        if "progress" in message:
            what, step, total = message["progress"]
            self._report(f"{what} {step} of {total}", step == total)
        elif "say" in message:
            scene.say(message["say"])
        elif "table" in message:
            scene.show_table(table_of(message["table"]))
        elif "error" in message:
            self._answered = True
            scene.session.logger.warning(f"flexrec {self.words}: {message['error']}")
            self._model.point_out(message["error"])
        elif "result" in message:
            self._answered = True

    def _report(self, text: str, now: bool = False) -> None:
        if now or time.monotonic() >= self._next:
            self._next = time.monotonic() + _EVERY
            self.progress_text = text
            self._scene.session.logger.status(f"{text} (flexrec cancel ends it)")
            self._model.notify_listeners()

    def _ended(self) -> None:
        if not self._answered:
            self._scene.session.logger.warning(f"flexrec {self.words}: its process {self._child.ending()}")
        self._scene.session.logger.status("")
        self.end()


def begin_apart(scene: SessionScene, action: Action, asked: Any) -> None:
    """Do an action beside the window: what it shows comes when it is done."""
    for work in list(scene.model.computing):
        if work.words == action.words:
            work.end()
    scene.model.computing.append(ApartWork(scene, action, asked))
    scene.model.notify_listeners()


def cancel(scene: SessionScene, _: NoParameters) -> list[str]:
    """End what is computed beside the window, of all models; returns the words of what was."""
    works = [work for model in open_models(scene.session) for work in model.computing]
    if not works:
        raise InputError("nothing is being computed that could be cancelled; jobs are ended by flexrec stop.")
    for work in works:
        work.end()
    ended = [work.words for work in works]
    scene.session.logger.status("")
    scene.say(f"cancelled: {', '.join(ended)}; nothing of it is kept")
    return ended


FUNCTIONS = {"cancel": cancel}
