"""HTTP: bounded answers, patience, redirects, versions, and listings."""

import contextlib
import functools
import io

import pytest
from commands import kq, refusal
from PIL import Image
from samples import indexed
from servers import http_site

import kqcodec
from kqcodec.cli.screen import failures
from kqcodec.errors import ImageError, LimitError
from kqcodec.storage import remote_files

pytestmark = pytest.mark.compiled

fsspec = pytest.importorskip("fsspec")
pytest.importorskip("aiohttp")

KQ, PNG = "/a.kq", "/a.png"


@functools.cache
def png():
    file = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(file, "PNG")
    return file.getvalue()


@functools.cache
def kq_file():
    """Larger than what the first request brings."""
    return kqcodec.encode(indexed(700, 500, 16), coder="packed", tile=64)


def answering(*arguments, **options):
    """A trouble: every request gets that answer."""
    return lambda handler, _span: handler.send(*arguments, **options) or True


def dripping(*arguments, **options):
    return lambda handler, _span: handler.drip(*arguments, **options) or True


# --- bytes without an end -------------------------------------------------------------


@pytest.mark.parametrize("head", [{}, {"Content-Length": str(1 << 40)}])
def test_a_range_is_read_one_byte_further_than_was_asked_for(site, head):
    total = 1 << 17
    said = {"Content-Range": f"bytes 0-65535/{total}", **head}
    site.trouble = dripping(206, said, b"a" * 65_536)
    with pytest.raises(OSError, match="sends more than the range that was asked for"):
        kqcodec.read(site.url + KQ)


@pytest.mark.usefixtures("small_inputs")
@pytest.mark.parametrize("recursive", [[], ["-r"]])
def test_an_endless_picture_ends_in_a_sentence(site, tmp_path, recursive):
    site.trouble = dripping(200, {"Content-Type": "image/png"}, png() + b"a" * 65_536)
    for command in (["encode", *recursive], ["palette", *recursive]):
        result = kq(*command, site.url + PNG, "-o", tmp_path / "out.kq")
        said = refusal(result, failures.REFUSED)
        assert f"kq: {site.url}{PNG}: the file has more than 1,048,576 bytes" in said
        assert "--max-pixels" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("status", [200, 206])
def test_an_answer_that_is_compressed_unasked_is_refused(site, status):
    site.files[KQ] = kq_file()
    head = {"Content-Encoding": "gzip", "Content-Range": "bytes 0-65535/99999"}
    site.trouble = answering(status, b"\x1f\x8b" + bytes(65_534), head)
    for read in (kqcodec.read, lambda url: remote_files.read(url, None)):
        with pytest.raises(OSError, match=r"a\.kq: the server sends it compressed \(gzip\)"):
            read(site.url + KQ)


def test_identity_is_asked_for_in_every_request(site):
    site.files[KQ] = kq_file()
    kqcodec.open(site.url + KQ).region((600, 400, 610, 410))
    remote_files.read(site.url + KQ, None)
    remote_files.file_size(site.url + KQ)
    assert len(site.headers) > 3
    assert {head.get_all("Accept-Encoding")[0] for head in site.headers} == {"identity"}
    assert all(len(head.get_all("Accept-Encoding")) == 1 for head in site.headers)


def test_as_many_bytes_as_are_allowed(site):
    site.files[PNG] = png()
    assert remote_files.read(site.url + PNG, len(png())) == png()
    with pytest.raises(LimitError):
        remote_files.read(site.url + PNG, len(png()) - 1)


# --- patience -------------------------------------------------------------------------


def test_a_server_that_drips_ends_in_a_sentence(site, monkeypatch):
    monkeypatch.setattr("kqcodec.storage.http._PATIENCE", 0.3)
    ranged = {"Content-Range": "bytes 0-65535/99999"}
    for read, head in (
        (kqcodec.read, dripping(206, ranged, b"a", pause=0.05)),
        (lambda url: remote_files.read(url, None), dripping(200, {}, b"a", pause=0.05)),
    ):
        site.trouble = head
        with pytest.raises(OSError, match="less than 1,024 bytes a second"):
            read(site.url + KQ)


@pytest.mark.usefixtures("hasty")
def test_a_server_that_says_nothing_is_asked_again(site, monkeypatch):
    monkeypatch.setattr("kqcodec.storage.http._SILENCE", 0.3)
    site.files[KQ] = kq_file()
    silent = []

    def wait(handler, _span):
        if len(silent) < 2:
            silent.append(1)
            with contextlib.suppress(OSError):
                handler.connection.recv(1)  # until the client hangs up
            handler.close_connection = True
            return True
        return False

    site.trouble = wait
    assert kqcodec.open(site.url + KQ).header.width == 700
    assert len(silent) == 2


@pytest.mark.usefixtures("hasty")
def test_a_server_that_stays_silent_is_a_sentence(site, monkeypatch):
    monkeypatch.setattr("kqcodec.storage.http._SILENCE", 0.1)

    def wait(handler, _span):
        with contextlib.suppress(OSError):
            handler.connection.recv(1)
        handler.close_connection = True
        return True

    site.trouble = wait
    with pytest.raises(TimeoutError, match=r"a\.kq: the server doesn't answer"):
        _ = kqcodec.open(site.url + KQ).header


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_three_times(site, status):
    site.files[KQ] = kq_file()
    left = [2]

    def busy(handler, _span):
        left[0] -= 1
        return left[0] >= 0 and (handler.send(status, b"later") or True)

    site.trouble = busy
    assert kqcodec.open(site.url + KQ).header.width == 700
    site.trouble, site.asked[:] = answering(status, b"later"), []
    with pytest.raises(ConnectionError, match=f"the server answers {status}"):
        _ = kqcodec.open(site.url + KQ).header
    assert len(site.asked) == 3


@pytest.mark.parametrize("status", [204, 304, 418, 501])
def test_what_will_not_pass_is_tried_once(site, status):
    site.trouble = answering(status, b"")
    for read in (kqcodec.read, lambda url: remote_files.read(url, None)):
        with pytest.raises(OSError, match=f"the server answers {status}"):
            read(site.url + KQ)
    assert len(site.asked) == 2


# --- versions -------------------------------------------------------------------------


@pytest.mark.parametrize(("etag", "insisted"), [('"strong"', True), ('W/"weak"', False)])
def test_only_a_strong_etag_is_insisted_on(site, etag, insisted):
    data = kq_file()

    def answer(handler, span):
        stop = min(span[1], len(data))
        said = {"Content-Range": f"bytes {span[0]}-{stop - 1}/{len(data)}", "ETag": etag}
        handler.send(206, data[span[0] : stop], said)
        return True

    site.trouble = answer
    kqcodec.open(site.url + KQ).region((600, 400, 610, 410))
    assert [head.get("If-Match") for head in site.headers[1:]] == [etag if insisted else None] * (
        len(site.headers) - 1
    )
    assert len(site.headers) > 1


def test_a_weak_etag_tells_versions_apart_all_the_same(site):
    data, etags = kq_file(), iter(['W/"1"', 'W/"2"', 'W/"2"'])

    def answer(handler, span):
        stop = min(span[1], len(data))
        said = {"Content-Range": f"bytes {span[0]}-{stop - 1}/{len(data)}", "ETag": next(etags)}
        handler.send(206, data[span[0] : stop], said)
        return True

    site.trouble = answer
    with pytest.raises(OSError, match="changed while it was being read"):
        kqcodec.open(site.url + KQ).region((600, 400, 610, 410))


# --- redirects ------------------------------------------------------------------------


def redirecting(target, status=302):
    """A trouble: requests for /from... are sent there."""

    def answer(handler, _span):
        if not handler.path.startswith("/from"):
            return False
        handler.send(status, b"", {"Location": target})
        return True

    return answer


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_the_same_server_is_followed(site, status):
    site.files |= {KQ: kq_file(), PNG: png()}
    site.trouble = redirecting(KQ, status)
    assert kqcodec.open(site.url + "/from.kq").header.width == 700
    site.trouble = redirecting(site.url + PNG, status)
    assert remote_files.read(site.url + "/from.png", None) == png()


def test_a_redirect_elsewhere_is_refused_and_asks_nobody(site):
    with http_site() as other:
        other.files |= {KQ: kq_file(), "/all.zip": b"PK"}
        for target in (other.url + KQ, other.url.replace("http://", "//") + KQ):
            site.trouble = redirecting(target)
            url = site.url + "/from.kq"
            for read in (
                kqcodec.read,
                lambda url: remote_files.read(url, None),
                remote_files.file_size,
                remote_files.is_folder,
                lambda url: list(remote_files.list_files(url)),
                lambda url: remote_files.read(f"zip://a.png::{url}", None),
            ):
                with pytest.raises(OSError, match=f"redirects elsewhere, to {other.url}{KQ}"):
                    read(url)
        assert other.asked == []


@pytest.mark.parametrize("target", ["https://127.0.0.1:{port}/a.kq", "file:///etc/passwd", "x:"])
def test_a_redirect_to_another_scheme_is_refused(site, target):
    site.trouble = redirecting(target.format(port=site.url.rpartition(":")[2]))
    with pytest.raises(OSError, match="redirects elsewhere, to "):
        kqcodec.read(site.url + "/from.kq")


def test_redirects_elsewhere_are_followed_where_that_was_asked_for(site):
    with http_site() as other:
        other.files[KQ] = kq_file()
        site.trouble = redirecting(other.url + KQ)
        open_file = fsspec.open(site.url + "/from.kq", allow_redirects=True)
        assert kqcodec.open(open_file).header.width == 700
        fsspec.config.conf["http"] = {"allow_redirects": True}
        try:
            assert kqcodec.open(site.url + "/from.kq").header.width == 700
        finally:
            del fsspec.config.conf["http"]


def test_redirects_without_an_end(site):
    site.trouble = redirecting("/from-here-to-here.kq")
    with pytest.raises(OSError, match="redirects over and over"):
        kqcodec.read(site.url + "/from.kq")
    assert len(site.asked) == 10


# --- listings -------------------------------------------------------------------------

PAGE = b"""<html><a href="?C=M;O=D">by time</a> <a href="../">up</a>
<a href="a.png">a</a> <A HREF='sub/'>sub</A> <a href="b%20c.png">b c</a> <a href="t.txt">t</a>"""


def test_a_folder_on_a_server(site, tmp_path):
    site.files |= {"/in/": PAGE, "/in/sub/": b'<a href="d.png"><a href="../sub/">'}
    site.files |= dict.fromkeys(("/in/a.png", "/in/b%20c.png", "/in/sub/d.png"), png())
    result = kq("encode", "-r", site.url + "/in/", "-o", tmp_path, "-q")
    assert result.exit_code == 0
    assert "1 file was passed over" in result.stderr
    found = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.kq"))
    assert found == ["a.kq", "b%20c.kq", "sub/d.kq"]


@pytest.mark.parametrize(
    ("link", "reason"),
    [
        ("/elsewhere/x.png", "outside of the folder"),
        ("../x.png", "outside of the folder"),
        ("http://127.0.0.1:9/x.png", "outside of the folder"),
        ("file:///etc/x.png", "outside of the folder"),
        ("%2e%2e/x.png", "leads out of the folder"),
        ("sub%2f..%2f..%2fx.png", "leads out of the folder"),
        ("./a::memory:x.png", "would be read as a URL"),
        ("a.png::file:///etc/x.png", "outside of the folder"),
        ("a%00x.png", "holds a zero byte"),
    ],
)
def test_a_link_that_leads_out_of_its_folder_is_refused(site, tmp_path, link, reason):
    site.files |= {"/in/": b'<a href="a.png"><a href="%s">' % link.encode(), "/in/a.png": png()}
    result = kq("encode", "-r", site.url + "/in/", "-o", tmp_path / "out", "-q")
    assert result.exit_code == failures.REFUSED
    assert reason in result.stderr
    assert "it was not opened" in result.stderr
    assert [path.name for path in tmp_path.rglob("*.kq")] == ["a.kq"]
    assert {path for _, path, _ in site.asked} == {"/in/", "/in/a.png"}


def test_an_endless_page_ends_in_a_sentence(site, tmp_path, monkeypatch):
    monkeypatch.setattr("kqcodec.storage.http_listing._MOST_BYTES", 1 << 17)
    site.trouble = dripping(200, {"Content-Type": "text/html"}, b'<a href="a.png">' * 4096)
    result = kq("encode", "-r", site.url + "/in/", "-o", tmp_path / "out", "-q")
    assert "more than 131,072 bytes, too many for a list" in refusal(result, failures.SYSTEM)


def test_folders_in_folders_without_an_end(site, monkeypatch):
    monkeypatch.setattr("kqcodec.storage.http_listing._MOST_FOLDERS", 20)
    site.trouble = answering(200, b'<a href="a.png"><a href="in/">', {"Content-Type": "text/html"})
    with pytest.raises(OSError, match="list too many folders"):
        list(remote_files.list_files(site.url + "/in/"))
    assert len(site.asked) <= 21


def test_a_folder_that_is_not_there_and_a_file_are_no_folders(site):
    site.files[PNG] = png()
    assert not remote_files.is_folder(site.url + "/none/")
    assert list(remote_files.list_files(site.url + "/none/")) == []
    assert not remote_files.is_folder(site.url + PNG)
    assert remote_files.file_size(site.url + "/none.png") is None
    assert remote_files.file_size(site.url + PNG) == len(png())


def test_python_has_the_same_limit(monkeypatch):
    monkeypatch.setattr("kqcodec.format.limits._INPUT", 100)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 9)
    file = io.BytesIO(b"\x89PNG" + bytes(1000))
    with pytest.raises(ImageError, match="more than 100 bytes"):
        kqcodec.encode(file, 4)
    assert file.tell() == 101
