"""A throw-away virtual environment for software that is measured beside ours and is no dependency of ours."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

INSTALL_S = 300  # for each requirement


@contextmanager
def environment(*requirements: str, all_of_them: bool = True) -> Iterator[Path]:
    """Its interpreter, with the newest release of each requirement; the folder is gone afterwards.

    One that does not install raises RuntimeError with pip's words, or is left out where not `all_of_them` are needed.
    """
    with tempfile.TemporaryDirectory(prefix="centralita-bench-") as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True, timeout=INSTALL_S)
        python = Path(folder) / "bin" / "python"
        for requirement in requirements:
            command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", requirement]
            done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=INSTALL_S)
            if done.returncode and all_of_them:
                raise RuntimeError(f"{requirement} does not install: {done.stderr.strip()[-500:]}")
        yield python
