"""``python -m disent_plugins``: the command ``disent``."""

from disent_plugins.cli.entry import main

if __name__ == "__main__":
    main()
