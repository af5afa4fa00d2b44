"""Runs a module of FlexRec from the folder that this file lies in, in any Python, with or without FlexRec of its own.

It is run by its path: ``python …/boot.py PLACES MODULE words…`` calls ``MODULE.main(words)``. The package is loaded
under its name without its neighbours, which in ChimeraX are all of ChimeraX, built for another Python. PLACES is JSON
with the starter's ``prefix`` and module ``path``: the same Python is to find what its starter finds, any other only its
own. The starter's ``version`` of FlexRec is ours, whatever the Python has installed.

It may use nothing but Python's own modules, and old syntax, to tell an old Python what is wrong.
"""

import importlib
import importlib.util
import json
import os
import sys
import types

NEEDS = "FlexRec's engine needs Python 3.11 or newer with numpy, scipy and mrcfile, and numba to be fast"


def load(package, version):
    """Make ``chimerax.flexrec`` from its folder, as the only thing under ``chimerax``."""
    parent = types.ModuleType("chimerax")
    parent.__path__ = []
    name = "chimerax.flexrec"
    start = os.path.join(package, "__init__.py")
    spec = importlib.util.spec_from_file_location(name, start, submodule_search_locations=[package])
    module = importlib.util.module_from_spec(spec)
    module.__version__ = version
    sys.modules["chimerax"] = parent
    sys.modules[name] = parent.flexrec = module
    spec.loader.exec_module(module)


def main():
    """Load the package and run the module; the exit status is what it returns."""
    here = os.path.dirname(os.path.realpath(__file__))
    sys.path[:] = [place for place in sys.path if os.path.realpath(place or ".") != here]
    if sys.version_info < (3, 11):  # noqa: UP036 (an older Python may be named)
        sys.exit("%s is Python %d.%d; %s." % (sys.executable, *sys.version_info[:2], NEEDS))  # noqa: UP031
    starter = json.loads(sys.argv[1])
    if os.path.realpath(starter["prefix"]) == os.path.realpath(sys.prefix):
        sys.path.extend(place for place in starter["path"] if place not in sys.path)
    load(here, starter["version"])
    try:
        for name in ("numpy", "scipy", "mrcfile"):
            if importlib.util.find_spec(name) is None:
                raise ImportError("it has no " + name)
        module = importlib.import_module(sys.argv[2])
    except ImportError as error:
        sys.exit("%s cannot be used (%s); %s." % (sys.executable, error, NEEDS))  # noqa: UP031
    return module.main(sys.argv[3:])


if __name__ == "__main__":
    sys.exit(main())
