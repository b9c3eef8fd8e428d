"""``python -m accelsim``: the command line, from a checkout as well."""

from accelsim.cli.main import main

if __name__ == "__main__":
    main()
