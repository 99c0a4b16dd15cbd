"""What a folder on a web server holds, by the links of its page, as nginx, Apache and
Python's ``http.server`` write them.

Who writes such a page decides about names and how many there are, so that both have
limits. A link counts as a name where it leads into the folder; one that leads elsewhere is
told with its name, for the caller to refuse.
"""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from kqcodec.storage.http import html_page

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_BYTES = 1 << 24  # of a page: some hundred thousand names
_MOST_FOLDERS, _MOST_FILES = 10_000, 1_000_000


def is_folder(fs: Any, url: str) -> bool:
    """Whether there is a page with links into the folder of that name; OSError if it can't be
    looked at."""
    try:
        return not all(map(leads_elsewhere, _links(fs, url)))
    except FileNotFoundError:
        return False


def list_files(fs: Any, url: str) -> Iterator[str]:
    """The files in a folder, at any depth: their paths below it; and of links to files
    elsewhere what they say.

    Raises:
        FileNotFoundError: there is no such folder.
        OSError: a page can't be read, or there is no end of them.
    """
    waiting, seen, files = [""], {""}, 0
    while waiting:
        folder = waiting.pop()
        for name in dict.fromkeys(_links(fs, f"{url.rstrip('/')}/{folder}")):
            if not name.endswith("/"):
                files += 1
                yield name if leads_elsewhere(name) else folder + name
            elif not leads_elsewhere(name) and folder + name not in seen:
                seen.add(folder + name)
                waiting.append(folder + name)
        if len(seen) > _MOST_FOLDERS or files > _MOST_FILES:
            raise OSError(f"{url}: its pages list too many folders and files; name one of them")


def leads_elsewhere(name: str) -> bool:
    """Whether what ``list_files`` gives is a link to another place, not a path in the folder."""
    return "://" in name or name.startswith("/")


def _links(fs: Any, url: str) -> Iterator[str]:
    """Names below the folder ``url`` that its page links to, "name" or "folder/"; whole
    URLs of what lies elsewhere. Links that sort the page, or to places in it, are neither."""
    found = html_page(fs, url, _MOST_BYTES)
    if found is None:
        return
    parser = _Anchors()
    parser.feed(found.decode("utf-8", "replace"))
    top = url.rstrip("/") + "/"
    for link in parser.links:
        if not link or "?" in link or "#" in link:
            continue
        target = urljoin(top, link)
        if target.startswith(top):
            if target != top:
                yield target[len(top) :]
        else:
            yield target


class _Anchors(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep where an <a> leads."""
        if tag == "a":
            self.links += [value for name, value in attrs if name == "href" and value]
