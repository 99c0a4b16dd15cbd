"""Opened files: what is read, how often, and what is said of pipes and closed ones."""

import io
import os

import numpy as np
import pytest
from samples import animation, indexed

import kqcodec
from kqcodec import errors
from kqcodec.coding import decoder, open_file
from kqcodec.format import short_form
from kqcodec.images.metadata import Metadata

BOX = (3, 5, 40, 30)


@pytest.fixture(scope="module")
def image():
    return indexed(50, 60, 9)


@pytest.fixture(scope="module")
def data(image):
    return kqcodec.encode(image, coder="packed", tile=16)


@pytest.fixture(params=["path", "bytes", "file"])
def source(request, data, tmp_path):
    if request.param == "bytes":
        yield data
        return
    path = tmp_path / "a.kq"
    path.write_bytes(data)
    if request.param == "path":
        yield path
        return
    with path.open("rb") as file:
        yield file


def everything(file):
    """What each way of reading gives, as arrays."""
    return {
        "read": file.read().labels,
        "region": file.region(BOX).labels,
        "tiles": np.concatenate([labels.reshape(-1) for _, labels in file.tiles()]),
        "mean": file.scaled(4),
        "nearest": file.scaled(4, method="nearest", box=BOX).labels,
        "array": np.asarray(file.as_array(labels=True)),
        "report": np.array(file.size_report().file_bytes),
        "recover": file.recover().image.labels,
    }


def test_parts_can_be_read_in_any_order_and_again(source, image):
    with kqcodec.open(source) as file:
        first, again = everything(file), everything(file)
        file.verify()
    left, top, right, bottom = BOX
    assert np.array_equal(first["read"], image.labels)
    assert np.array_equal(first["region"], image.labels[top:bottom, left:right])
    assert np.array_equal(first["array"], image.labels)
    assert np.array_equal(first["recover"], image.labels)
    for name, found in first.items():
        assert np.array_equal(found, again[name]), name


def test_parts_of_a_file_of_one_tile_can_be_read_in_any_order_and_again(image):
    with kqcodec.open(kqcodec.encode(image, coder="packed", tile=0)) as file:
        first, again = everything(file), everything(file)
    for name, found in first.items():
        assert np.array_equal(found, again[name]), name


def test_what_precedes_the_tiles_is_read_once(data, monkeypatch):
    read, count = short_form.read_header, []
    for module in (decoder, open_file):
        monkeypatch.setattr(module, "read_header", lambda source: count.append(1) or read(source))
    file = kqcodec.open(data)
    everything(file)
    assert file.palette is file.palette
    assert file.metadata == Metadata()
    assert len(count) == 2  # the array has an opening of its own


def test_tiles_go_on_where_they_were(source, image):
    """Other parts are read between two tiles."""
    labels = np.zeros_like(image.labels)
    with kqcodec.open(source) as file:
        for box, part in file.tiles():
            labels[box.slices] = part
            assert np.array_equal(file.region((0, 0, 5, 5)).labels, image.labels[:5, :5])
    assert np.array_equal(labels, image.labels)


def test_a_pipe_is_read_once(data, image):
    front, back = os.pipe()
    assert os.write(back, data) == len(data)  # which fit into a pipe's buffer
    os.close(back)
    with os.fdopen(front, "rb") as pipe, kqcodec.open(pipe) as file:
        assert file.header.k == len(file.palette) == 9
        assert file.read() == image
        for again in (file.read, file.verify, lambda: list(file.tiles()), file.recover):
            with pytest.raises(OSError, match="a pipe can be read once, and this one has been"):
                again()
        with pytest.raises(OSError, match="seekable"):
            file.region(BOX)


def test_the_header_is_known_though_the_palette_is_damaged(data):
    wrong = bytearray(data)
    wrong[22] ^= 1
    with kqcodec.open(wrong) as file:
        assert file.header.width == 50
        for _ in range(2):
            with pytest.raises(errors.ChecksumError):
                _ = file.palette
            with pytest.raises(errors.ChecksumError):
                file.verify()
        assert file.recover(palette=kqcodec.open(data).palette).lost == ()


def test_a_damaged_header_does_not_keep_it_from_being_opened(data, image):
    wrong = bytearray(data)
    wrong[9] ^= 1
    with kqcodec.open(wrong) as file:
        with pytest.raises(errors.FormatError):
            _ = file.header
        assert file.recover().image == image


def test_what_was_read_is_told():
    file = kqcodec.open(animation()[1])
    assert repr(file) == "<kqcodec.KqFile, open>"
    assert repr(file.frame(1)) == "<IndexedImage 37x29, K = 16, 0.1 s>"
    assert repr(file) == "<kqcodec.KqFile 37x29, 6 frames, open>"


def test_a_closed_file_says_so(source):
    file = kqcodec.open(source)
    file.close()
    file.close()
    assert repr(file) == "<kqcodec.KqFile, closed>"
    for read in (file.read, file.verify, file.recover, file.as_array):
        with pytest.raises(ValueError, match=r"the \.kq file is closed"):
            read()


def test_a_file_object_stays_open(data):
    stream = io.BytesIO(data)
    with kqcodec.open(stream) as file:
        file.verify()
    assert not stream.closed


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts open files")
def test_what_is_dropped_lets_go_of_its_file(data, tmp_path):
    path = tmp_path / "a.kq"
    path.write_bytes(data)
    before = len(os.listdir("/proc/self/fd"))
    assert kqcodec.open(path).region(BOX).width == 37
    assert len(os.listdir("/proc/self/fd")) == before


def test_an_array_outlives_the_file(data, image, tmp_path):
    path = tmp_path / "a.kq"
    path.write_bytes(data)
    with kqcodec.open(path) as file:
        array = file.as_array(labels=True)
    with array:
        assert np.array_equal(array[7], image.labels[7])


def test_a_file_that_is_rewritten_meanwhile_is_noticed(data, tmp_path):
    path = tmp_path / "a.kq"
    path.write_bytes(data)
    with kqcodec.open(path) as file:
        file.verify()
        with path.open("r+b") as other:
            other.write(bytes(100))
            other.truncate(len(data) - 1)
        with pytest.raises(OSError, match="changed while it was being read"):
            file.read()


def test_limits_hold_for_the_file(data):
    with kqcodec.open(data, max_pixels=1000) as file:
        for read in (file.read, file.verify, file.recover, lambda: file.scaled(1)):
            with pytest.raises(errors.LimitError):
                read()
        assert file.region((0, 0, 9, 9)).width == 9
        assert sum(labels.size for _, labels in file.tiles()) == 3000
    with pytest.raises(TypeError, match="max_pixels"):
        kqcodec.open(data, max_pixels=2.5)
    with pytest.raises(ValueError, match="threads"):
        kqcodec.open(data, threads=0)


def test_what_is_not_there_is_refused_at_once(tmp_path):
    with pytest.raises(FileNotFoundError):
        kqcodec.open(tmp_path / "none.kq")
    with pytest.raises(TypeError, match="expected a path, bytes or a binary file"):
        kqcodec.open(5)


def test_ids_and_their_colours_are_one_for_one():
    """Also where several entries of the table have one id."""
    data = kqcodec.encode_labels(np.arange(6).reshape(2, 3), colors={3: (1, 2, 3)})
    with kqcodec.open(kqcodec.remap_labels(data, {4: 3, 5: -1})) as file:
        assert file.ids.tolist() == [-1, 0, 1, 2, 3]
        assert file.palette[[1, 4]].tolist() == [[0, 0, 0], [1, 2, 3]]
        assert len(file.palette) == 5
        assert not file.ids.flags.writeable
