"""What a Python says of itself, as one line of JSON: run alone, by any Python 3, with or without FlexRec.

It is read as text and given to ``python -``; it may use nothing but Python's own modules, and old syntax.
"""

import importlib
import json
import platform
import sys

MODULES = (
    "numpy", "scipy", "gemmi", "mrcfile", "tqdm", "psutil", "torch", "numba", "safetensors", "matplotlib", "h5py",
)  # fmt: skip


def versions() -> "tuple[dict, dict]":
    """Version by module, and what kept a module from being imported."""
    version, broken = {}, {}
    for name in MODULES:
        try:
            module = importlib.import_module(name)
            version[name] = str(getattr(module, "__version__", ""))
        except ImportError as error:
            missing = isinstance(error, ModuleNotFoundError) and error.name == name
            broken[name] = "" if missing else str(error)
        except Exception as error:
            broken[name] = "%s: %s" % (type(error).__name__, error)  # noqa: UP031
    return version, broken


def flexrec() -> "str | None":
    """Version of the FlexRec that is installed; None where there is none that works."""
    try:
        importlib.import_module("chimerax.flexrec.jobs.queue.worker")
        return importlib.import_module("chimerax.flexrec").__version__
    except Exception:
        return None


def devices() -> "list[dict]":
    """Name of torch's devices, best first, each with why it does not compute (None: it does)."""
    import torch

    names = [("cuda:%d" % i, torch.cuda.get_device_name(i)) for i in range(torch.cuda.device_count())]  # noqa: UP031
    if getattr(torch.backends, "mps", None) and torch.backends.mps.is_available():
        names.append(("mps", "Apple GPU"))
    names.append(("cpu", "%d threads" % torch.get_num_threads()))  # noqa: UP031
    return [{"device": device, "name": name, "error": compute(device)} for device, name in names]


def compute(device: str) -> "str | None":
    """A gradient on the device, small enough to be known; None if it is right."""
    import torch

    try:
        points = torch.arange(4.0, device=device, requires_grad=True)
        (points @ points).backward()
        right = points.grad is not None and points.grad.tolist() == [0.0, 2.0, 4.0, 6.0]
        return None if right else "it computes wrong numbers"
    except Exception as error:
        return str(error).split("\n")[0]


def compile_something() -> "str | None":
    """Whether numba compiles here; None if it does."""
    try:
        import numba

        return None if numba.njit(lambda x: x + 1)(1) == 2 else "it computes wrong numbers"
    except Exception as error:
        return str(error).split("\n")[0]


def main() -> None:
    """Print the line."""
    facts: dict[str, object] = {"version": platform.python_version(), "executable": sys.executable}
    if sys.version_info >= (3, 11):  # noqa: UP036 (an older Python may be asked)
        modules, broken = versions()
        facts.update(flexrec=flexrec(), modules=modules, broken=broken)
        facts["devices"] = devices() if "torch" in modules else []
        facts["numba_error"] = compile_something() if "numba" in modules else None
    print("\n" + json.dumps(facts))


if __name__ == "__main__":
    main()
