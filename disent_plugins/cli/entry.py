"""The door of the command ``disent``: a signal has an answer before anything that takes time is imported."""

from __future__ import annotations

import sys

from disent_plugins import interrupts


def main() -> None:
    """Run the command line."""
    with interrupts.listening():
        try:
            from disent_plugins.cli.main import main as command
        except BaseException:
            if not interrupts.received():
                raise
            sys.stderr.write("error: Interrupted.\n")
            sys.exit(130)
        command()


if __name__ == "__main__":
    main()
