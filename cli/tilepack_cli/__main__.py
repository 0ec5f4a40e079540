"""``python -m tilepack_cli`` is ``tilepack``."""

from tilepack_cli.main import main

if __name__ == "__main__":
    main()
