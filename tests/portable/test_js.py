"""kq.mjs in Node. Skipped, saying so, where there is none."""

import io
import json

import numpy as np
import pytest
from node import NODE, PORTABLE, run
from places import VECTORS
from samples import CODERS, LABEL_DTYPES, animation, extremes, indexed, slow

import kqcodec

pytestmark = [
    pytest.mark.compiled,
    pytest.mark.skipif(NODE is None, reason="there is no Node"),
]
INDEX = json.loads((VECTORS / "index.json").read_text(encoding="utf-8"))
IMAGE = indexed(50, 40, 20, seed=1)
SLOW = slow()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Files that several tests read."""
    path = tmp_path_factory.mktemp("js")
    (path / "image.kq").write_bytes(kqcodec.encode(IMAGE, tile=(16, 32)))
    (path / "slow.kq").write_bytes(kqcodec.encode(SLOW, effort="best"))
    (path / "moving.kq").write_bytes(animation()[1])
    return path


@pytest.mark.parametrize("coder", CODERS)
def test_pixels(tmp_path, coder):
    images = {
        "opaque": IMAGE,
        "sheer": indexed(33, 21, 7, seed=3, channels=4),
        "many": indexed(90, 80, 300, seed=4),
        "one": kqcodec.IndexedImage(np.full((1, 3), 7, np.uint8), np.zeros((3, 5), np.uint8)),
    }
    for name, image in images.items():
        (tmp_path / name).write_bytes(kqcodec.encode(image, coder=coder))
    script = """
      const found = {};
      for (const name of %s) {
        const { width, height, data } = await kq.decode(file(name));
        const kind = data.constructor.name;
        found[name] = { width, height, kind, data: list(data) };
      }
      return found;
    """
    found = run(script % json.dumps(list(images)), tmp_path)
    for name, image in images.items():
        height, width = image.labels.shape
        assert (found[name]["width"], found[name]["height"]) == (width, height)
        assert found[name]["kind"] == "Uint8ClampedArray"
        pixels = np.array(found[name]["data"]).reshape(height, width, 4)
        palette = image.palette[image.labels]
        assert (pixels[:, :, : palette.shape[2]] == palette).all()
        assert name == "sheer" or (pixels[:, :, 3] == 255).all()


def test_sources(folder):
    script = """
      const bytes = new Uint8Array(file("image.kq"));
      const buffer = new ArrayBuffer(bytes.length + 6);
      new Uint8Array(buffer).set(bytes, 3);
      const shared = new SharedArrayBuffer(bytes.length);
      new Uint8Array(shared).set(bytes);
      const sources = [
        bytes, bytes.buffer, new Uint8Array(buffer, 3, bytes.length),
        new DataView(buffer, 3, bytes.length), shared, new Blob([bytes]), new Response(bytes),
        Promise.resolve(new Response(bytes)), Promise.resolve(bytes),
      ];
      const sums = [];
      for (const source of sources) {
        sums.push((await kq.decode(source)).data.reduce((sum, value) => sum * 31 + value | 0, 0));
      }
      const wrong = ["image.kq", null, 5, {}, new Response("", { status: 404 }), undefined];
      return [sums, await Promise.all(wrong.map((source) => kind(kq.decode(source))))];
    """
    sums, wrong = run(script, folder)
    assert len(set(sums)) == 1
    assert wrong == ["argument"] * 6


def test_header(folder):
    script = """
      const [image, moving] = [await kq.open(file("image.kq")), await kq.open(file("moving.kq"))];
      return [image.header, moving.header];
    """
    found = run(script, folder)
    start = {"width": 50, "height": 40, "colors": 20, "alpha": False, "coder": "context"}
    start |= {"tileWidth": 16, "tileHeight": 32, "tiles": 8, "shortForm": False, "labelMap": False}
    rest = {"dtype": None, "shape": None, "entries": 20, "idCount": 0, "frames": 0, "axis": None}
    assert found[0] == {**start, **rest, "keyDistance": 0, "plays": 0, "unit": None}
    assert found[1]["frames"] == 6
    assert found[1]["axis"] == "time"
    assert found[1]["unit"] == [1, 10]


def test_the_start_of_a_file_is_enough_for_its_header(folder, tmp_path):
    (tmp_path / "long").write_bytes((folder / "image.kq").read_bytes()[:20])
    (tmp_path / "cut").write_bytes((folder / "image.kq").read_bytes()[:19])
    (tmp_path / "short").write_bytes(kqcodec.encode(indexed(9, 8, 3)))
    (tmp_path / "map").write_bytes(kqcodec.encode_labels(np.ones((70, 90), int), tile=64)[:20])
    script = """
      const found = [];
      for (const name of ["long", "short", "map"]) found.push(await kq.readHeader(file(name)));
      return [found, await kind(kq.readHeader(file("cut"))), await kind(kq.readHeader(file("no")))];
    """
    (tmp_path / "no").write_bytes(b"GIF89a")
    (long, short, label_map), *refused = run(script, tmp_path)
    assert long == {
        **{"width": 50, "height": 40, "colors": 20, "alpha": False, "coder": "context"},
        **{"tileWidth": 16, "tileHeight": 32, "tiles": 8, "shortForm": False, "labelMap": False},
    }
    assert (short["width"], short["height"], short["colors"], short["shortForm"]) == (9, 8, 3, True)
    assert (label_map["width"], label_map["labelMap"], label_map["tiles"]) == (90, True, 4)
    assert refused == ["truncated", "signature"]


@pytest.mark.parametrize("kind", sorted({vector["kind"] for vector in INDEX["invalid"]}))
def test_kinds_of_refusal(kind):
    names = [vector["name"] for vector in INDEX["invalid"] if vector["kind"] == kind][:5]
    script = """
      const found = [];
      for (const name of %s) {
        found.push(await kq.decode(file(name)).then(() => 0, ({ name, kind }) => [name, kind]));
      }
      return found;
    """
    assert run(script % json.dumps(names), VECTORS) == [["KqError", kind]] * len(names)


def test_limits(folder):
    script = """
      const open = (maxPixels) => kind(kq.open(file("image.kq"), { maxPixels }));
      return Promise.all([1999, 2000, 1, 0, -1, 0.5, NaN, Infinity].map(open));
    """
    assert run(script, folder) == ["limit", "accepted", *["limit"] * 5, "accepted"]


def test_frames_that_are_not_there(folder):
    script = """
      const decode = (frame) => kind(kq.decode(file("image.kq"), { frame }));
      return Promise.all([0, 1, -1, 0.5, 2 ** 32, NaN, "0"].map(decode));
    """
    assert run(script, folder) == ["accepted", *["argument"] * 6]


def test_region(folder):
    boxes = [(0, 0, 50, 40), (15, 31, 2, 2), (49, 39, 1, 1), (3, 0, 40, 7), (16, 32, 16, 8)]
    wrong = [(0, 0, 51, 1), (0, 40, 1, 1), (-1, 0, 2, 2), (0, 0, 0, 1), (0.5, 0, 1, 1)]
    script = """
      const found = [];
      const image = await kq.open(file("image.kq"));
      const region = ([x, y, width, height]) => ({ region: { x, y, width, height } });
      for (const box of %s) {
        const { width, height, data } = await image.labels(region(box));
        found.push([width, height, list(data), (await image.decode(region(box))).data.length]);
      }
      return [found, await Promise.all(%s.map((box) => kind(image.decode(region(box)))))];
    """
    found, refused = run(script % (json.dumps(boxes), json.dumps(wrong)), folder)
    for (x, y, width, height), answer in zip(boxes, found, strict=True):
        labels = IMAGE.labels[y : y + height, x : x + width]
        assert answer == [width, height, labels.ravel().tolist(), 4 * labels.size]
    assert refused == ["argument"] * len(wrong)


def test_tiles_are_told_as_they_come(folder):
    script = """
      const seen = [], image = await kq.open(file("image.kq"));
      const region = { x: 10, y: 20, width: 30, height: 20 };
      const result = await image.decode({ region, onTile: (tile, part) => {
        const at = 4 * (tile.y * part.width + tile.x) + 3;
        seen.push([tile, part.data[at], part.data.at(-1)]);
        last = part;
      } });
      return [seen, last === result];
    """
    seen, same = run("let last;" + script, folder)
    tiles = [tile for tile, _, _ in seen]
    assert [(tile["x"], tile["y"], tile["width"], tile["height"]) for tile in tiles] == [
        *[(0, 0, 6, 12), (6, 0, 16, 12), (22, 0, 8, 12)],
        *[(0, 12, 6, 8), (6, 12, 16, 8), (22, 12, 8, 8)],
    ]
    assert [tile["done"] for tile in tiles] == [1, 2, 3, 4, 5, 6]
    assert {tile["total"] for tile in tiles} == {6}
    assert [opaque for _, opaque, _ in seen] == [255] * 6
    assert [end for _, _, end in seen] == [0] * 5 + [255]
    assert same


def test_the_event_loop_turns_and_decoding_stops(folder):
    script = """
      let turns = 0;
      const timer = setInterval(() => turns++, 1);
      const controller = new AbortController();
      const image = await kq.open(file("slow.kq"));
      const stopped = kind(image.decode({ signal: controller.signal }));
      setTimeout(() => controller.abort(), 30);
      const names = [await stopped, await kind(kq.open(file("slow.kq"), controller))];
      turns = 0;
      const { data } = await image.decode();
      clearInterval(timer);
      return [names, turns, data.length];
    """
    names, turns, length = run(script, folder)
    assert names == ["AbortError", "AbortError"]
    assert turns >= 3
    assert length == 4 * 250 * 300


def test_what_is_asked_at_once_is_done_in_turn(folder):
    script = """
      const image = await kq.open(file("slow.kq"));
      const region = { x: 100, y: 90, width: 3, height: 2 };
      const [all, wrong, part] = await Promise.all([
        image.labels(),
        kind(image.decode({ signal: AbortSignal.abort() })),
        image.labels({ region }),
      ]);
      return [list(all.data.subarray(90 * 300 + 100, 90 * 300 + 103)), wrong, list(part.data)];
    """
    all_of_it, wrong, part = run(script, folder)
    expected = SLOW.labels[90:92, 100:103]
    assert all_of_it == expected[0].tolist()
    assert wrong == "AbortError"
    assert part == expected.ravel().tolist()


def test_a_closed_file(folder):
    script = """
      const image = await kq.open(file("image.kq"));
      image.close();
      return [await kind(image.decode()), await kind(image.labels()), image.header.width];
    """
    assert run(script, folder) == ["argument", "argument", 50]


def test_the_palette_paints(folder):
    script = """
      const image = await kq.open(file("image.kq"));
      const before = list(image.palette);
      image.palette.fill(9);
      return [before, list((await image.decode()).data)];
    """
    before, painted = run(script, folder)
    assert (np.array(before).reshape(-1, 4)[:, :3] == IMAGE.palette).all()
    assert set(painted) == {9}


# --- label maps --------------------------------------------------------------


@pytest.mark.parametrize("dtype", LABEL_DTYPES)
@pytest.mark.parametrize("shape", ["rows", "column"])
def test_ids(tmp_path, dtype, shape):
    ids = extremes(dtype)
    (tmp_path / "map").write_bytes(
        kqcodec.encode_labels(ids[..., None] if shape == "column" else ids)
    )
    script = """
      const map = await kq.open(file("map"));
      const { width, height, data } = await map.ids();
      const { dtype, shape, idCount } = map.header;
      const table = list(map.idTable), labels = list((await map.labels()).data);
      return { width, height, data: list(data), type: data.constructor.name, dtype, shape, idCount,
        same: JSON.stringify(labels.map((label) => table[label])) === JSON.stringify(list(data)) };
    """
    found = run(script, tmp_path)
    name = ids.dtype.name
    types = {"bool": "uint8", "int64": "bigint64", "uint64": "biguint64"}
    assert found["type"].lower() == types.get(name, name) + "array"
    assert [int(value) for value in found["data"]] == [int(value) for value in ids.ravel()]
    assert found["dtype"] == name
    assert found["shape"] == [2, 3] + [1] * (shape == "column")
    assert found["idCount"] == len(np.unique(ids))
    assert (found["width"], found["height"], found["same"]) == (3, 2, True)


@pytest.mark.parametrize(("count", "kind"), [(200, "Uint8"), (300, "Uint16"), (70_000, "Uint32")])
def test_labels_are_as_wide_as_they_need_to_be(tmp_path, count, kind):
    ids = np.random.default_rng(1).permutation(count).reshape(-1, 20)
    (tmp_path / "map").write_bytes(kqcodec.encode_labels(ids, tile=64))
    script = """
      const { data } = await kq.labels(file("map"));
      const map = await kq.open(file("map")), { data: ids } = await map.ids();
      return [data.constructor.name, list(ids), data.every((x, i) => map.idTable[x] === ids[i])];
    """
    name, found, same = run(script, tmp_path)
    assert name == f"{kind}Array"
    assert [int(value) for value in found] == ids.ravel().tolist()
    assert same


def test_pictures_have_no_ids(folder):
    script = 'const i = await kq.open(file("image.kq")); return [i.idTable, await kind(i.ids())];'
    assert run(script, folder) == [None, "argument"]


# --- frames and sections -----------------------------------------------------


def test_frames(folder):
    script = """
      const all = [];
      for await (const { index, duration, width, height, data } of kq.frames(file("moving.kq"))) {
        all.push([index, duration, width, height, list(data)]);
      }
      const moving = await kq.open(file("moving.kq"));
      const back = [];
      for (const frame of [5, 0, 3]) back.push(list((await moving.decode({ frame })).data));
      const wrong = [6, -1, 2 ** 31].map((frame) => kind(moving.decode({ frame })));
      return [all, back, await Promise.all(wrong)];
    """
    images, _ = animation()
    every, back, wrong = run(script, folder)
    assert [head for *head, _ in every] == [[frame, 100, 37, 29] for frame in range(6)]
    pixels = [np.array(data).reshape(29, 37, 4)[:, :, :3] for *_, data in every]
    for image, found in zip(images, pixels, strict=True):
        assert (found == image.to_rgb()).all()
    assert back == [every[frame][-1] for frame in (5, 0, 3)]
    assert wrong == ["argument"] * 3


def test_durations_and_volumes(tmp_path):
    images, _ = animation(count=3)
    (tmp_path / "uneven").write_bytes(kqcodec.encode_frames(images, durations=["0.04", "1/3", 2]))
    (tmp_path / "volume").write_bytes(kqcodec.encode_frames(images, axis="depth"))
    script = """
      const [uneven, volume] = [await kq.open(file("uneven")), await kq.open(file("volume"))];
      const still = [];
      for await (const frame of volume.frames()) still.push(frame.duration);
      return [[0, 1, 2].map((frame) => uneven.duration(frame)), still, volume.header.axis];
    """
    durations, slices, axis = run(script, tmp_path)
    assert durations == pytest.approx([40, 1000 / 3, 2000])
    assert (slices, axis) == ([0, 0, 0], "depth")


def test_a_still_is_one_frame(folder):
    script = """
      const all = [];
      for await (const { index, duration } of kq.frames(file("image.kq"))) {
        all.push([index, duration]);
      }
      return all;
    """
    assert run(script, folder) == [[0, 0]]


def test_sections(tmp_path):
    from PIL import Image, ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    file = io.BytesIO()
    Image.fromarray(IMAGE.to_rgb()).save(file, "PNG", icc_profile=profile)
    kept = kqcodec.encode(file.getvalue(), 20, keep=("icc",))
    (tmp_path / "kept").write_bytes(kept)
    script = """
      const image = await kq.open(file("kept"));
      const [profile, same, exif] = ["icc ", "icc", "exif"].map((kind) => image.section(kind));
      return [list(profile), same.length, exif];
    """
    data, length, exif = run(script, tmp_path)
    assert bytes(data) == kqcodec.open(kept).metadata.icc
    assert length == len(data) > 100
    assert exif is None


# --- the module --------------------------------------------------------------


def test_an_instance_without_its_file_is_used_again(folder):
    script = """
      let made = 0;
      const { instantiate } = WebAssembly;
      WebAssembly.instantiate = (...of) => (made++, instantiate(...of));
      for await (const _ of kq.frames(file("moving.kq")));
      for await (const _ of kq.frames(file("moving.kq"))) break;
      await kq.decode(file("image.kq"));
      await kq.labels(file("image.kq"));
      return made;
    """
    assert run(script, folder) == 1


def test_ways_to_the_module(folder):
    script = """
      const place = new URL("kq.wasm", MODULE), bytes = file(place);
      const response = (type) => new Response(bytes, { headers: { "content-type": type } });
      const ways = [
        place, place.pathname,
        bytes, Promise.resolve(bytes), new WebAssembly.Module(bytes),
        response("application/wasm"), response("text/plain"),
        new URL("kq-scalar.wasm", MODULE), undefined,
      ];
      const wrong = [file("image.kq"), "none.wasm", new Response("", { status: 404 })];
      const found = [];
      for (const way of [...ways, ...wrong]) {
        const module = await kq.init(way).catch((error) => error);
        const { width } = await kq.decode(file("image.kq"));
        found.push(module instanceof WebAssembly.Module && width);
      }
      found.push((await kq.decode(file("image.kq"))).width); // its own again
      return found;
    """
    where = f"const MODULE = {json.dumps((PORTABLE / 'kq.mjs').as_uri())};"
    assert run(where + script, folder) == [50] * 9 + [False] * 3 + [50]


def test_the_module_inlined(folder):
    assert run('return (await kq.decode(file("image.kq"))).width;', folder, "kq-inline.mjs") == 50


def test_exported_names(folder):
    names = "KqError KqFile decode frames init labels open readHeader"
    for module in ("kq.mjs", "kq-inline.mjs"):
        assert run("return Object.keys(kq);", folder, module) == names.split()
