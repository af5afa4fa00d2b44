"""Builds src/ as the ordinary package chimerax.flexrec, from what bundle_info.xml says.

The wheel is at the same time a ChimeraX bundle (``toolshed install``) and a package for any Python (``pip install``).
``chimerax`` itself is left without an ``__init__``, so that ChimeraX's own packages and this one share the name.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from setuptools import find_packages, setup

HERE = Path(__file__).resolve().parent

# What training needs, and ChimeraX's own process does not: torch alone is several gigabytes.
ENGINE = ["torch>=2.4", "numba>=0.60", "safetensors>=0.4", "matplotlib>=3.8", "h5py>=3.10"]
# The panel outside ChimeraX, which has Qt and matplotlib itself. PySide6 6.12.0 ends Python 3.11, for calls that return
# None take a reference of it away.
PANEL = ["qtpy>=2.4", "PySide6-Essentials>=6.6,!=6.12.0", "matplotlib>=3.8", "imageio-ffmpeg>=0.5"]
UMAP = ["umap-learn>=0.5"]
TEST = ["pytest>=8", "pytest-xdist>=3", "hypothesis>=6", "pytest-qt>=4.4", "triton>=3; sys_platform == 'linux'"]
DEV = [*TEST, "ruff>=0.6", "mypy>=2.4", "setuptools>=70.1"]


# What ChimeraX's own builder adds to the classifiers of every bundle without compiled code.
BUILDER = [
    "Framework :: ChimeraX",
    "Intended Audience :: Science/Research",
    "Programming Language :: Python :: 3",
    "Topic :: Scientific/Engineering :: Visualization",
    "Topic :: Scientific/Engineering :: Chemistry",
    "Topic :: Scientific/Engineering :: Bio-Informatics",
    "Environment :: MacOS X :: Aqua",
    "Environment :: Win32 (MS Windows)",
    "Environment :: X11 Applications",
    "Operating System :: MacOS :: MacOS X",
    "Operating System :: Microsoft :: Windows :: Windows 10",
    "Operating System :: POSIX :: Linux",
]


def bundle_classifiers(bundle: ElementTree.Element) -> list[str]:
    """The Python classifiers, the line by which ChimeraX knows a wheel as a bundle, its providers, tool and commands.

    They are those that ChimeraX's builder makes of the same file: it knows a bundle by its classifiers alone.
    """
    python = [item.text for item in bundle.iterfind("Classifiers/PythonClassifier")]
    categories = ",".join(item.get("name") for item in bundle.iterfind("Categories/Category"))
    sessions = f"{bundle.get('minSessionVersion')},{bundle.get('maxSessionVersion')}"
    line = f"Bundle :: {categories} :: {sessions} :: {bundle.get('package')} :: ::"
    own = [item.text for item in bundle.iterfind("Classifiers/ChimeraXClassifier")]
    return [*BUILDER, *python, *(f"ChimeraX :: {item}" for item in (line, *provider_lines(bundle), *own))]


def provider_lines(bundle: ElementTree.Element) -> list[str]:
    """``Provider :: name :: manager :: key:value :: …`` of file formats, openers and toolbar buttons."""
    lines = []
    for group in bundle.iterfind("Providers"):
        for item in group.iterfind("Provider"):
            rest = [f"{key}:{quoted(value)}" for key, value in item.attrib.items() if key != "name"]
            lines.append(" :: ".join(["Provider", item.get("name"), group.get("manager"), *rest]))
    return lines


def quoted(value: str) -> str:
    """A value as ChimeraX reads it: in quotes where it has blanks. ``ValueError`` where quotes are not enough."""
    if set(value) & set("\"'\\"):
        raise ValueError(f"bundle_info.xml: {value!r}: leave out quotation marks and backslashes")
    return f'"{value}"' if not value or set(value) & set(" ;") else value


def light_requirements(bundle: ElementTree.Element) -> list[str]:
    """The bundle's dependencies that a package index has: ChimeraX's own packages are on none."""
    dependencies = [(item.get("name"), item.get("version")) for item in bundle.iterfind("Dependencies/Dependency")]
    return [name + version for name, version in dependencies if not name.startswith("ChimeraX-")]


def data_files(bundle: ElementTree.Element) -> list[str]:
    """The files inside src/ that are no Python: pictures and help."""
    patterns = [item.text for item in bundle.iterfind("DataFiles/DataFile")]
    patterns += [f"{item.text}/**/*" for item in bundle.iterfind("DataFiles/DataDir")]
    found = (path for pattern in patterns for path in (HERE / "src").glob(pattern) if path.is_file())
    return sorted(path.relative_to(HERE / "src").as_posix() for path in found)


def main() -> None:
    """Hand everything to setuptools."""
    bundle = ElementTree.parse(HERE / "bundle_info.xml").getroot()
    package = bundle.get("package")
    setup(
        name=bundle.get("name"),
        version=bundle.get("version"),
        author=bundle.findtext("Author"),
        author_email=bundle.findtext("Email"),
        url=bundle.findtext("URL"),
        description=bundle.findtext("Synopsis"),
        long_description=(HERE / "README.md").read_text(encoding="utf-8"),
        long_description_content_type="text/markdown",
        license=bundle.findtext("License"),
        classifiers=bundle_classifiers(bundle),
        python_requires=">=3.11",
        package_dir={package: "src"},
        packages=[package, *(f"{package}.{name}" for name in find_packages(HERE / "src"))],
        package_data={package: data_files(bundle)},
        install_requires=light_requirements(bundle),
        extras_require={"engine": ENGINE, "panel": PANEL, "umap": UMAP, "test": TEST, "dev": DEV},
        entry_points={"console_scripts": [f"flexrec = {package}.cli.program:main"]},
    )


main()
