"""`python -m hms` is `hms`."""

from hms.experiments.cli.main import main

if __name__ == "__main__":
    main()
