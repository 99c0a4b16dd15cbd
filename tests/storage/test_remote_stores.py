"""Files of stores other than web servers: what they say, and what goes wrong."""

import io

import pytest
from samples import indexed, region, tiled
from servers import s3_site

import kqcodec
from kqcodec import errors
from kqcodec.format.header import Header
from kqcodec.storage.ranges import FIRST_BYTES

pytestmark = pytest.mark.compiled

fsspec = pytest.importorskip("fsspec")
pytest.importorskip("aiohttp")


def test_parts_of_two_versions_are_told_as_a_change_not_as_damage():
    """The second has other lengths, so that its directory doesn't fit the first's header."""
    memory = fsspec.filesystem("memory")
    memory.pipe("/mixed.kq", tiled()[1])
    fs, path = fsspec.core.url_to_fs("memory://mixed.kq")

    class Swapping(type(fs)):
        """Another version is there once the first bytes have been read."""

        protocol = "memory"

        def open(self, *arguments, **options):
            file = super().open(*arguments, **options)
            read = file.read

            def then_swapped(size=-1):
                data = read(size)
                other = kqcodec.encode(indexed(999, 700, 16, seed=3), tile=128)
                memory.pipe("/mixed.kq", other)
                file.seek(0)
                file.truncate()
                file.write(bytes(len(tiled()[1])))
                return data

            file.read = then_swapped
            return file

    swapping = fsspec.core.OpenFile(Swapping(skip_instance_cache=True), path)
    with pytest.raises(OSError, match="changed while it was being read") as caught:
        kqcodec.read(swapping)
    assert not isinstance(caught.value, errors.KqError)


class _Short(io.BytesIO):
    """A file whose reads beyond the first bytes fall short, some times."""

    def __init__(self, data, times):
        super().__init__(data)
        self.times = times

    def read(self, size=-1):
        data = super().read(size)
        if self.tell() > FIRST_BYTES and self.times:
            self.times -= 1
            return data[:-1]
        return data


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("times", [2, 99])
def test_a_short_read_is_tried_again_and_then_a_sentence(times):
    image, data = tiled()
    memory = fsspec.filesystem("memory")
    memory.pipe("/short.kq", data)

    class Falling(type(memory)):
        protocol = "memory"

        def open(self, *_arguments, **_options):
            return _Short(data, times)

    short = fsspec.core.OpenFile(Falling(skip_instance_cache=True), "/short.kq")
    if times == 2:
        found = kqcodec.open(short).region((600, 300, 610, 310))
        assert (found.labels == region(image, (600, 300, 610, 310))).all()
    else:
        with pytest.raises(ConnectionError, match=r"short\.kq: of [\d,]+ bytes only [\d,]+ came"):
            kqcodec.open(short).region((600, 300, 610, 310))


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("kind", [TimeoutError, ConnectionResetError, PermissionError])
def test_what_a_store_says_of_its_connection_is_tried_again(kind):
    data = tiled()[1]
    memory = fsspec.filesystem("memory")
    memory.pipe("/slow.kq", data)
    tries = []

    class Failing(type(memory)):
        protocol = "memory"

        def info(self, path, **options):
            tries.append(path)
            if len(tries) < 3:
                raise kind("not now")
            return super().info(path, **options)

    failing_file = fsspec.core.OpenFile(Failing(skip_instance_cache=True), "/slow.kq")
    if kind is PermissionError:
        with pytest.raises(PermissionError):
            _ = kqcodec.open(failing_file).header
        assert len(tries) == 1
    else:
        assert kqcodec.open(failing_file).header == Header.from_bytes(data[:20])
        assert len(tries) >= 3


# S3


@pytest.fixture(scope="module")
def bucket():
    pytest.importorskip("moto", reason="the extra s3test brings moto")
    s3fs = pytest.importorskip("s3fs")
    with s3_site() as (url, asked):
        options = {"endpoint_url": url, "key": "k", "secret": "s"}
        fs = s3fs.S3FileSystem(**options)
        fs.mkdir("pictures")
        yield fs, options, asked
        s3fs.S3FileSystem.clear_instance_cache()


def ranges(asked, name):
    return [span for method, path, span in asked if path.endswith(name) and method == "GET"]


def test_a_region_from_s3(bucket):
    fs, options, asked = bucket
    image, data = tiled()
    fs.pipe("pictures/big.kq", data)
    asked.clear()
    box = (300, 260, 900, 640)
    found = kqcodec.open(fsspec.open("s3://pictures/big.kq", **options)).region(box)
    assert (found.labels == region(image, box)).all()
    assert len(ranges(asked, "/big.kq")) <= 3 + 3
    assert None not in ranges(asked, "/big.kq")


def test_s3_errors_are_sentences(bucket):
    _fs, options, _ = bucket
    with pytest.raises(FileNotFoundError):
        kqcodec.read(fsspec.open("s3://pictures/none.kq", **options))


def test_an_object_that_changes_is_noticed(bucket):
    fs, options, _ = bucket
    fs.pipe("pictures/changing.kq", tiled()[1])
    view = kqcodec.open(fsspec.open("s3://pictures/changing.kq", **options)).as_array()
    other = kqcodec.encode(indexed(1000, 700, 16, seed=99), coder="packed", tile=128)
    fs.pipe("pictures/changing.kq", other)
    with pytest.raises(OSError, match="changed while it was being read"):
        view[600:610, 900:910]
