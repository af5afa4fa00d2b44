"""What is computed about a model beside the window, as the model knows it."""

from __future__ import annotations


class Computing:
    """``words`` of the action that computes, and ``progress_text``, how far it is."""

    words: str
    progress_text: str

    def end(self) -> None:
        """Compute no more; nothing of it is kept."""
        raise NotImplementedError
