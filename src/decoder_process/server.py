"""Requests in, answers out: one thread reads, so that new requests overtake stale ones while the main thread works."""

from __future__ import annotations

import os
import threading
import traceback
from io import BufferedIOBase
from typing import BinaryIO, Protocol

import numpy as np

from ..errors import InputError
from .hello import hello
from .messages import MalformedError, packed, read_message, write_all
from .request_queue import Request, RequestQueue, refusal


class Answers(Protocol):
    """What knows the answers. ``backend`` is that of the decodes: numba or numpy."""

    backend: str

    def answer(self, ask: str, fields: dict, array: np.ndarray | None) -> tuple[dict, np.ndarray | None]:
        """The answer's fields and array; ``InputError`` for what the asker can mend."""
        ...


def serve(reading: BufferedIOBase, writing: BinaryIO, answers: Answers) -> None:
    """Answer until the asker closes either pipe. Only this thread writes.

    The end of ``reading`` ends the whole process, also in the middle of an answer: nobody is left to want it.
    """
    queue = RequestQueue()
    threading.Thread(target=_read, args=(reading, queue), name="requests", daemon=True).start()
    try:
        while True:
            item = queue.take()
            parts = packed(item) if isinstance(item, dict) else _answered(item, answers)
            write_all(writing, parts)
    except OSError:  # the asker has closed its end
        return


def _read(file: BufferedIOBase, queue: RequestQueue) -> None:
    try:
        while (message := _next(file, queue)) is not None:
            if message:
                header, array = message
                _accept(header, array, queue)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _next(file: BufferedIOBase, queue: RequestQueue) -> tuple | None:
    """The next message; empty where it was malformed, which is answered; None at the end."""
    try:
        return read_message(file)
    except MalformedError as mistake:
        queue.note(refusal(mistake.number, str(mistake), mistake.kind))
        return ()


def _accept(header: dict, array: np.ndarray | None, queue: RequestQueue) -> None:
    number, ask, channel = header.get("id"), header.get("ask"), header.get("channel")
    if type(number) not in (int, str):
        queue.note(refusal(None, "a request has no id; give it a number or a text.", "input"))
    elif not isinstance(ask, str):
        queue.note(refusal(number, "the request does not say what it asks; give ask a text.", "input"))
    elif not isinstance(channel, str | None):
        queue.note(refusal(number, "channel is no text; give a text, or leave it out.", "input"))
    elif ask == "cancel":
        queue.note({"id": number, "cancelled": queue.cancel(header.get("cancels"))})
    else:
        queue.put(Request(number, ask, channel, header, array))


def _answered(request: Request, answers: Answers) -> list:
    """The packed answer, whatever happens."""
    try:
        if request.ask == "hello":
            fields, array = hello(answers.backend), None
        elif request.ask == "ping":
            fields, array = {}, None
        else:
            fields, array = answers.answer(request.ask, request.fields, request.array)
        return packed({"id": request.number, **fields}, array)
    except InputError as mistake:
        return packed(refusal(request.number, str(mistake), "input"))
    except MemoryError:
        sentence = f"there is not enough memory for {request.ask}; close other programs, or ask for less."
        return packed(refusal(request.number, sentence, "memory"))
    except Exception as crash:
        traceback.print_exc()
        sentence = f"FlexRec made a mistake in {request.ask} ({type(crash).__name__}: {crash}); please report it."
        return packed(refusal(request.number, sentence, "bug"))
