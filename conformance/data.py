"""Where the suite's own data lies: scenarios, fixtures and templates of reports, in a checkout or inside the installed wheel."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def folder(name: str) -> Path:
    """The folder `scenarios`, `fixtures` or `reports` (its templates).

    A wheel carries them below `conformance/data_files/`; a checkout has them beside the package.

    Raises FileNotFoundError where neither is there, which means a damaged installation.
    """
    for candidate in (_PACKAGE / "data_files" / name, _PACKAGE.parent / name):
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(f"{name}/ is neither in the package nor beside it: install cni-conformance again")
