"""Ranges read through a file system's open files, where there is nothing better."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO, cast

from kqcodec.storage.ranges import (
    State,
    changed,
    persistently,
    translated,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


class FileParts:
    """An object of any file system of fsspec, read through its files."""

    def __init__(self, fs: Any, path: str, name: str) -> None:
        self._fs, self._path, self._name = fs, path, name
        self._state = self._look()
        self._file = translated(name, lambda: fs.open(path, "rb", cache_type="none"))

    def find_size(self) -> int:
        """See ``Parts``."""
        size = self._state.size
        return int(self._file.seek(0, 2)) if size is None else size

    def stream(self) -> BinaryIO:
        """See ``Parts``."""
        return cast("BinaryIO", self._file)

    def _look(self) -> State:
        def look() -> State:
            self._fs.invalidate_cache(self._path)
            return State.of(self._fs.info(self._path))

        return translated(self._name, lambda: persistently(look))

    def get(self, start: int, stop: int) -> bytes:
        """See ``Parts``."""

        def get() -> bytes:
            self._file.seek(start)
            data = bytes(self._file.read(stop - start))
            if len(data) < stop - start:
                raise ConnectionError(
                    f"{self._name}: of {stop - start:,} bytes only {len(data):,} came"
                )
            return data

        try:
            return translated(self._name, lambda: persistently(get)) if stop > start else b""
        except OSError as exc:
            if self._look() != self._state:  # s3fs has noticed it itself
                raise changed(self._name) from exc
            raise

    def get_all(self, spans: Sequence[tuple[int, int]]) -> list[bytes]:
        """See ``Parts``. Whether they are of one version ``check_unchanged`` tells."""
        if len(spans) == 1:
            return [self.get(*spans[0])]
        starts, stops = map(list, zip(*spans, strict=True))

        def get() -> list[bytes]:
            paths = [self._path] * len(spans)
            return [bytes(data) for data in self._fs.cat_ranges(paths, starts, stops)]

        found = translated(self._name, lambda: persistently(get))
        whole = all(
            len(data) == stop - start
            for data, start, stop in zip(found, starts, stops, strict=True)
        )
        # One after the other is as good, and says what is the matter.
        return found if whole else [self.get(*span) for span in spans]

    def check_unchanged(self) -> None:
        """See ``Parts``."""
        if self._look() != self._state:
            raise changed(self._name)

    def close(self) -> None:
        """See ``Parts``."""
        self._file.close()
