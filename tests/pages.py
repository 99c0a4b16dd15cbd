"""HTML pages, looked at."""

from html.parser import HTMLParser

VOID = {"meta", "link", "img", "input", "br"}


class Tags(HTMLParser):
    """Every start tag with its attributes; complains about tags that don't match."""

    def __init__(self, page):
        super().__init__()
        self.found, self.open = [], []
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def of(self, name, kind=None):
        return [
            attributes
            for tag, attributes in self.found
            if tag == name and (kind is None or kind in attributes.get("class", "").split())
        ]
