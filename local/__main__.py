"""`python -m local demo` runs everything on this machine; `python -m local reset` throws the demo's data away."""

import argparse
import asyncio
import os
import shutil
import sys
from pathlib import Path

from local import config
from local.stack import CannotStart, is_running


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser("demo", help="run everything until Ctrl-C")
    reset = commands.add_parser("reset", help="remove the demo's data")
    for each in (demo, reset):
        each.add_argument("--directory", type=Path, default=Path(os.environ.get("CENTRALITA_DEMO_DIR", ".demo")))
    demo.add_argument(
        "--port", type=int, default=config.BASE_PORT, help="the demo's page; what follows it is used as well (0: free)"
    )
    demo.add_argument("--pace", type=float, default=1.0, help="how many times quicker the morning goes; 0: all at once")
    demo.add_argument("--no-morning", action="store_true", help="let nobody write or call")
    arguments = parser.parse_args()
    if arguments.command == "reset":
        return remove(arguments.directory)
    from local.demo import run

    try:
        asyncio.run(run(arguments.directory, arguments.port, pace=None if arguments.no_morning else arguments.pace))
    except CannotStart as error:
        print(f"\n  {error}\n", file=sys.stderr)
        return 1
    except TimeoutError as error:
        print(f"\n  {error}\n", file=sys.stderr)
        return 1
    return 0


def remove(directory: Path) -> int:
    if is_running(directory):
        print(f"The demo runs from {directory}; stop it first.", file=sys.stderr)
        return 1
    if directory.exists() and not (directory / "lock").exists():
        print(f"{directory} is not a demo's folder; nothing was removed.", file=sys.stderr)
        return 1
    if directory.exists():
        shutil.rmtree(directory)
        print(f"Removed {directory}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
