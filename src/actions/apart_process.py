"""One action in a process of its own, so that a window can go on: what it says and returns are messages to the asker.

The asker sends one message: the words of the ``action``, its ``values`` by name, the folder ``here`` from which paths
go, and the ``models`` that it may name, each with the path and reading that open it; its own is named "".
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from typing import Any

from ..decoder_process.asker_pipes import take_pipes
from ..decoder_process.messages import packed, read_message, write_all
from ..errors import InputError, disk_error_text
from ..explore.trained_model import Trained, open_trained, opened_again
from ..jobs.find_model import model_meant
from ..reading import Reading
from .action_registry import find_action
from .action_scene import Link, Table

Send = Callable[[dict], None]


def request_of(words: str, asked: Any, models: dict[str, Trained]) -> dict[str, Any]:
    """What is sent to the process: ``asked`` are the action's parameters, ``models`` as above."""
    values = {field.name: _plain(getattr(asked, field.name)) for field in fields(asked)}
    return {"action": words, "values": values, "here": os.getcwd(),
            "models": {name: opened_again(trained) for name, trained in models.items()}}  # fmt: skip


def main(words: list[str] | None = None) -> None:
    """Read one message, do what it asks, and end."""
    reading, writing = take_pipes()
    message = read_message(reading)
    if message is not None:
        _answer(message[0], lambda answer: write_all(writing, packed(answer)))
    os._exit(0)


def _answer(request: dict, send: Send) -> None:
    """Send the result, or the sentence that says why there is none; a mistake of ours ends the process."""
    try:
        os.chdir(request["here"])
        action = find_action(request["action"])
        result = action.run(ProcessScene(request["models"], send), action.build(request["values"]))
        send({"result": _plain(result)})
    except InputError as error:
        send({"error": str(error)})
    except OSError as error:
        if error.filename is None:
            raise
        send({"error": disk_error_text(error)})


class ProcessScene:
    """Implements `actions.Scene` without any map: whatever is said or shown is sent."""

    z = path = path_file = recorded = None

    def __init__(self, models: dict[str, dict], send: Send) -> None:
        self._models, self._send = models, send
        self.trained = self._open("")

    def _open(self, name: str) -> Trained:
        how = self._models[name]
        return open_trained(how["path"], Reading.of(how["reading"]))

    @property
    def project(self) -> Path:
        """See `actions.Scene`."""
        return self.trained.project

    def say(self, sentence: str) -> None:
        """See `actions.Scene`."""
        self._send({"say": sentence})

    def show_table(self, table: Table) -> None:
        """See `actions.Scene`."""
        self._send({"table": table_fields(table)})

    def wrote(self, file: Path, sentence: str = "") -> None:
        """See `actions.Scene`."""
        if sentence:
            self.say(sentence)

    def progress(self, what: str, step: int, total: int) -> None:
        """See `actions.Scene`."""
        self._send({"progress": [what, step, total]})

    def work(self, compute: Callable[[], Any], done: Callable[[Any], None], what: str) -> None:
        """See `actions.Scene`."""
        done(compute())

    def other_training(self, name: str) -> Trained:
        """See `actions.Scene`."""
        return self._open(name) if name in self._models else open_trained(model_meant(name, self.project))


def table_fields(table: Table) -> dict[str, Any]:
    """A table as JSON has it; a cell with a link is a list of its text and command."""
    rows = [[[str(cell), cell.command] if isinstance(cell, Link) else str(cell) for cell in row]
            for row in table.rows]  # fmt: skip
    return {"caption": table.caption, "headings": list(table.headings), "rows": rows, "lines": list(table.lines)}


def table_of(given: dict[str, Any]) -> Table:
    """What `table_fields` made JSON of."""
    rows = [[Link(*cell) if isinstance(cell, list) else cell for cell in row] for row in given["rows"]]
    return Table(given["caption"], given["headings"], rows, tuple(given["lines"]))


def _plain(value: Any) -> Any:
    """As JSON has it; `messages.packed` knows numbers and arrays of numpy."""
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, (list, tuple)) else value
