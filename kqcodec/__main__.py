"""``python -m kqcodec`` is `kq`."""

from kqcodec.cli import main

if __name__ == "__main__":
    main()
