"""The vectors of spec/vectors through both decoders, and the index, the generator and
the worked examples against the files."""

from __future__ import annotations

import ast
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import decode as spec_decoder
import make_vectors as generator
import numpy as np
import pytest
from places import SPEC, VECTORS
from samples import SLOW
from vector_index import ERRORS, INDEX, Pipe, big_endian, read, sha256

import kqcodec
from kqcodec import errors
from kqcodec.format.sizes import predictable

if TYPE_CHECKING:
    pass

# Those of sequences are for test_vectors_frames.py.
STILLS = [vector for vector in INDEX["valid"] if "frames" not in vector]
PICTURES = [vector for vector in STILLS if "dtype" not in vector]
LABEL_MAPS = [vector for vector in STILLS if "dtype" in vector]
each_picture = pytest.mark.parametrize("vector", PICTURES, ids=lambda vector: vector["name"])
each_label_map = pytest.mark.parametrize("vector", LABEL_MAPS, ids=lambda vector: vector["name"])
each_invalid = pytest.mark.parametrize(
    "vector",
    [vector for vector in INDEX["invalid"] if "/frames-" not in vector["name"]],
    ids=lambda vector: vector["name"],
)


@each_picture
def test_both_decoders_give_the_pixels_of_the_index(vector: dict[str, Any]) -> None:
    data = read(vector)
    shape = (vector["height"], vector["width"], 4 if vector.get("alpha") else 3)

    pixels = kqcodec.decode(data)
    assert pixels.shape == shape
    assert sha256(pixels.tobytes()) == vector["pixels_sha256"]

    indexed = kqcodec.read(data)
    assert indexed.k == vector["k"]
    assert (indexed.palette[indexed.labels] == pixels).all()

    if SLOW:  # decode.py is the same on all kernels, and tried in the other run
        return
    picture = spec_decoder.decode(data)
    assert (picture.height, picture.width, picture.channels) == shape
    assert b"".join(picture.entries) == indexed.palette.tobytes()
    assert sha256(picture.pixels) == vector["pixels_sha256"]


@each_label_map
def test_both_decoders_give_the_ids_of_the_index(vector: dict[str, Any]) -> None:
    data = read(vector)
    ids = kqcodec.decode_labels(data)
    assert (str(ids.dtype), list(ids.shape)) == (vector["dtype"], vector["shape"])
    assert sha256(big_endian(ids)) == vector["pixels_sha256"]
    assert kqcodec.open(data).header.k == vector["k"]

    if SLOW:  # decode.py is the same on all kernels, and tried in the other run
        return
    picture = spec_decoder.decode(data)
    assert sha256(picture.pixels) == vector["pixels_sha256"]
    assert picture.table is not None
    head = spec_decoder.npy_head(picture, picture.table)
    by_numpy = np.load(io.BytesIO(head + picture.pixels))
    assert by_numpy.dtype.newbyteorder("=") == ids.dtype
    assert np.array_equal(by_numpy, ids)


@each_picture
def test_valid_vectors_decode_from_a_pipe(vector: dict[str, Any]) -> None:
    indexed = kqcodec.read(io.BufferedReader(Pipe(read(vector))))
    assert sha256(indexed.to_pixels().tobytes()) == vector["pixels_sha256"]


@each_label_map
def test_label_maps_decode_from_a_pipe(vector: dict[str, Any]) -> None:
    ids = kqcodec.decode_labels(io.BufferedReader(Pipe(read(vector))))
    assert sha256(big_endian(ids)) == vector["pixels_sha256"]


@each_invalid
def test_both_decoders_refuse_with_the_kind_and_rule_of_the_index(vector: dict[str, Any]) -> None:
    data = read(vector)
    is_label_map = "/labels-" in vector["name"]
    for decode in (kqcodec.decode, kqcodec.decode_labels if is_label_map else kqcodec.read):
        with pytest.raises(errors.FormatError) as refusal:
            decode(data)
        assert refusal.type is ERRORS[vector["kind"]]
    if SLOW:  # decode.py is the same on all kernels, and tried in the other run
        return
    with pytest.raises(spec_decoder.Refused) as refused:
        spec_decoder.decode(data)
    assert (refused.value.rule, refused.value.kind) == (vector["rule"], vector["kind"])
    assert refused.value.why


@each_invalid
def test_invalid_vectors_are_refused_alike_from_a_pipe(vector: dict[str, Any]) -> None:
    with pytest.raises(errors.FormatError) as refusal:
        kqcodec.read(io.BufferedReader(Pipe(read(vector))))
    assert refusal.type is ERRORS[vector["kind"]]


@pytest.mark.parametrize("name", ["labels-index-example", "labels-index"])
def test_an_index_says_where_ids_are(name: str) -> None:
    data = (VECTORS / "valid" / f"{name}.kq").read_bytes()
    ids, counts = np.unique(kqcodec.decode_labels(data), return_counts=True)
    with kqcodec.open(data) as file:
        assert file.ids.tolist() == ids.tolist()
        assert file.counts().tolist() == counts.tolist()


def test_a_wrong_index_is_refused_by_who_asks_it() -> None:
    with (
        kqcodec.open((VECTORS / "valid" / "labels-index-outside.kq").read_bytes()) as file,
        pytest.raises(errors.InvalidDataError),
    ):
        file.counts()


def test_index_and_folders_name_the_same_files() -> None:
    names = [vector["name"] for vector in INDEX["valid"] + INDEX["invalid"]]
    assert len(set(names)) == len(names)
    files = {path.relative_to(VECTORS).as_posix() for path in VECTORS.glob("*/*")}
    assert files == set(names)


def test_files_are_those_of_the_index() -> None:
    for vector in INDEX["valid"] + INDEX["invalid"]:
        assert sha256(read(vector)) == vector["file_sha256"], vector["name"]


@pytest.mark.compiled
def test_the_generator_writes_the_published_files() -> None:
    valid, invalid = generator.valid_vectors(), generator.invalid_vectors()
    text = (VECTORS / "index.json").read_text(encoding="utf-8")
    assert generator.index(valid, invalid) == text
    for folder, vectors in (("valid", valid), ("invalid", invalid)):
        for vector in vectors:
            assert (VECTORS / folder / f"{vector.name}.kq").read_bytes() == vector.data


@pytest.mark.compiled
def test_the_generator_does_not_change_a_frozen_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("valid", "invalid"):
        (tmp_path / folder).mkdir()
    smallest = tmp_path / "valid" / "smallest.kq"
    smallest.write_bytes(b"frozen")
    with pytest.raises(SystemExit, match="never change"):
        generator.main(tmp_path)
    assert smallest.read_bytes() == b"frozen"
    smallest.unlink()
    not_yet = tmp_path / "valid" / "example-context.kq"
    if f"valid/{not_yet.name}" not in generator.frozen_digests():
        not_yet.write_bytes(b"as it was before the release")
        generator.main(tmp_path)
        assert "example-context.kq is another than it was" in capsys.readouterr().out
        assert not_yet.read_bytes() == (VECTORS / "valid" / not_yet.name).read_bytes()


@pytest.mark.parametrize(
    "vector",
    [vector for vector in INDEX["valid"] if "metadata_sha256" in vector],
    ids=lambda vector: vector["name"],
)
def test_metadata_are_those_of_the_index(vector: dict[str, Any]) -> None:
    found = kqcodec.read(read(vector)).metadata
    parts = {"icc": found.icc, "exif": found.exif, "xmp": found.xmp}
    hashes = {name: sha256(data) for name, data in parts.items() if data is not None}
    assert hashes == vector["metadata_sha256"]


def encoder_arguments(vector: dict[str, Any]) -> dict[str, Any] | None:
    """What has the encoder write this file; None if it has no need of such a one."""
    header = kqcodec.open(read(vector)).header
    tile = tuple(1 << exponent if exponent else 0 for exponent in header.tile_exponents)
    larger = tile[0] >= header.width or tile[1] >= header.height  # written as 0
    if (
        header.sections
        or header.minor
        or larger
        or header.label_map
        or not predictable(header.coder)
    ):
        return None
    return {"coder": header.coder, "tile": tile}


@pytest.mark.parametrize(
    "vector",
    [vector for vector in INDEX["valid"] if encoder_arguments(vector)],
    ids=lambda vector: vector["name"],
)
def test_the_encoder_writes_the_valid_files(vector: dict[str, Any]) -> None:
    data = read(vector)
    arguments = encoder_arguments(vector)
    assert arguments is not None
    assert kqcodec.encode(kqcodec.read(data), **arguments) == data


def test_every_rule_that_decode_py_enforces_has_an_invalid_vector() -> None:
    enforced = set()
    parts = [ast.parse(part.read_text(encoding="utf-8")) for part in SPEC.glob("decode*.py")]
    for node in (node for part in parts for node in ast.walk(part)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            enforced |= set(re.findall(r"^\d+\.\d+$", node.value))
    assert enforced == {vector["rule"] for vector in INDEX["invalid"]}


def test_the_index_names_rules_of_the_document() -> None:
    document = (SPEC / "kq.md").read_text(encoding="utf-8")
    rules = set(re.findall(r"^(\d+\.\d+)\. ", document, re.MULTILINE))
    for vector in INDEX["valid"]:
        assert set(vector["rules"]) <= rules
    for vector in INDEX["invalid"]:
        assert vector["rule"] in rules
        assert vector["kind"] in ERRORS


def worked_examples() -> list[bytes]:
    """The files that the document lists: lines of an offset and bytes."""
    document = (SPEC / "kq.md").read_text(encoding="utf-8")
    files: list[bytes] = []
    for listing in re.findall(r"^```\n( +0  CB .*?)^```", document, re.MULTILINE | re.DOTALL):
        file = bytearray()
        for line in listing.splitlines():
            match = re.match(r" *(\d+)  ((?:[0-9A-F]{2} )*[0-9A-F]{2})(?:  |$)", line)
            assert match is not None, line
            assert int(match[1]) == len(file), f"the offset in {line!r}"
            file += bytes.fromhex(match[2])
        files.append(bytes(file))
    return files


def test_the_worked_examples_are_vectors() -> None:
    names = [
        f"example-{name}"
        for name in ("packed", "dense", "tiles", "alpha", "short", "context", "tokens", "frames")
    ]
    vectors = [(VECTORS / "valid" / f"{name}.kq").read_bytes() for name in names]
    assert worked_examples() == vectors


def stages() -> list[tuple[str, ...]]:
    """The beginnings of names of each stage's vectors, by the document's table of stages."""
    document = (SPEC / "kq.md").read_text(encoding="utf-8")
    table = document[document.index("| stage |") : document.index("Contents:")]
    rows = [line.split(" | ") for line in table.splitlines()[2:] if line.startswith("|")]
    return [tuple(re.findall(r"`(.*?)`", row[2])) for row in rows]


def stage_of(name: str, table: list[tuple[str, ...]]) -> int:
    """The stage with the longest beginning of that vector's name."""
    begun = [
        (len(start), stage)
        for stage, starts in enumerate(table)
        for start in starts
        if name.startswith(start)
    ]
    return max(begun)[1]


def test_every_vector_is_of_a_stage_that_has_what_it_needs() -> None:
    table = stages()
    for vector in INDEX["invalid"]:
        stage_of(vector["name"].partition("/")[2], table)
    for vector in INDEX["valid"]:
        data = read(vector)
        header = kqcodec.open(data).header
        needed = [
            header.alpha or header.sections,
            header.coder == "context",
            header.coded_palette,
            data.startswith(b"\xcbk"),
            header.coder == "tokens",
            header.label_map,
            "frames" in vector,
        ]
        latest = max((i for i, needs in enumerate(needed, 1) if needs), default=0)
        assert latest <= stage_of(vector["name"].partition("/")[2], table), vector["name"]
