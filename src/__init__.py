"""FlexRec: molecules that move, from cryo-EM images to maps, meshes and models that move together."""

from __future__ import annotations


def __getattr__(name: str):
    """What is looked up only when asked for: ``__version__`` as installed, and ChimeraX's ``bundle_api``."""
    if name == "__version__":
        return _version()
    if name == "bundle_api":
        from .bundle import bundle_api

        return bundle_api
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("ChimeraX-FlexRec")
    except PackageNotFoundError:
        return "0+not.installed"
