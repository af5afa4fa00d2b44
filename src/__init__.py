"""FlexRec: molecules that move, from cryo-EM images to maps, meshes and models that move together."""

from __future__ import annotations


def __getattr__(name: str) -> str:
    """``__version__`` of the installed package, looked up only when asked for."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("ChimeraX-FlexRec")
    except PackageNotFoundError:
        return "0+not.installed"
