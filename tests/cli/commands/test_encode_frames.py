"""`kq encode` of animations, pages, and pictures that become frames."""

import json
import subprocess
from fractions import Fraction

import gifs
import numpy as np
import pytest
from commands import KQ, files_in, kq, refusal, usage_refusal
from PIL import Image

import kqcodec
from kqcodec import read_frames
from kqcodec.frames.encoding import FrameEncoder

pytestmark = pytest.mark.compiled


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def frames():
    """Four frames of at most 50 colours."""
    random = np.random.default_rng(7)
    found = np.repeat(random.integers(0, 256, (1, 6, 8, 3), np.uint8), 4, axis=0)
    for number in range(1, 4):
        found[number:, number, number:] = number
    return found


def save(frames, name, **options):
    first, *others = map(Image.fromarray, frames)
    first.save(name, save_all=True, append_images=others, **options)


def pixels_of(name):
    return np.stack([frame.to_pixels() for frame in read_frames(name)])


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("a.gif", {"duration": 80, "loop": 2}),
        ("a.png", {"duration": 80, "loop": 3}),
        ("a.webp", {"duration": 80, "loop": 3, "lossless": True}),
        ("a.tiff", {}),
    ],
)
def test_all_frames_are_kept(name, how, frames, folder):
    save(frames, name, **how)
    result = kq("encode", name, "--lossless")
    assert result.exit_code == 0, result.stderr
    assert "a.kq: 4 frames of 8 x 6, K = " in result.stdout
    assert result.stdout.endswith("every pixel exact\n")
    assert not result.stderr
    assert np.array_equal(pixels_of("a.kq"), frames)
    with kqcodec.open("a.kq") as file:
        expected = (Fraction(1, 10), 0) if name == "a.tiff" else (Fraction(2, 25), 3)
        assert (file.durations[0], file.loop) == expected


def test_the_file_is_that_of_the_api(frames, folder):
    save(frames, "a.png", duration=80)
    how = ["--dither", 0.5, "--sort", "hue", "--coder", "tokens", "--key-distance", 2]
    assert kq("encode", "a.png", "-k", 5, *how, "--fps", "30000/1001", "--loop", 4).exit_code == 0
    data = kqcodec.encode_frames(
        *("a.png", 5),
        **{"dither": 0.5, "sort": "hue", "coder": "tokens", "key_distance": 2},
        **{"fps": Fraction(30_000, 1001), "loop": 4},
    )
    assert (folder / "a.kq").read_bytes() == data
    assert kq("encode", "a.png", "--duration", "0.05", "--force").exit_code == 0
    assert set(kqcodec.open("a.kq").durations) == {Fraction(1, 20)}


def test_figures_tell_of_all_frames(frames, folder):
    save(frames, "a.png")
    figures = json.loads(kq("encode", "a.png", "-k", 5, "--json").stdout)
    assert figures["frames"] == 4
    assert figures["pixels"] == 4 * 48
    assert figures["raw_bits"] == 4 * 48 * 24
    found = pixels_of("a.kq").astype(int)
    assert figures["inertia"] == ((found - frames) ** 2).sum()
    assert "frames" not in json.loads(
        kq("encode", "a.png", "--frame", 1, "--json", "--force").stdout
    )


@pytest.mark.parametrize("number", [0, 3])
@pytest.mark.parametrize("more", [["-k", 60], ["--lossless"]])
def test_one_frame_is_a_still(number, more, frames, folder):
    save(frames, "a.png")
    assert (
        kq("encode", "a.png", "-k" if not more else "--lossless", *([60] * (not more))).exit_code
        == 0
    )
    result = kq("encode", "a.png", "--frame", number, *(more or ["-k", 60]), "--force")
    assert result.exit_code == 0, result.stderr
    assert np.array_equal(kqcodec.open("a.kq").read().to_pixels(), frames[number])
    assert len(pixels_of("a.kq")) == 1


def test_a_frame_that_is_not_there(frames, folder):
    save(frames, "a.png")
    told = refusal(kq("encode", "a.png", "--frame", 4), 2)
    assert told == "kq: a.png has no frame 4: its frames are numbered from 0 to 3"


def test_pages_of_different_sizes(frames, folder):
    images = [Image.fromarray(frames[0]), Image.fromarray(frames[1][:3])]
    images[0].save("a.tiff", save_all=True, append_images=images[1:])
    assert "different sizes" in (told := refusal(kq("encode", "a.tiff"), 1))
    assert told.endswith("; take one of them with kq encode --frame")
    assert kq("encode", "a.tiff", "--frame", 1, "--lossless").exit_code == 0
    assert np.array_equal(kqcodec.open("a.kq").read().to_pixels(), frames[1][:3])


def test_a_folder_of_animations_and_stills(frames, folder):
    (folder / "in").mkdir()
    save(frames, "in/a.gif")
    save(frames[:1], "in/b.png")
    assert kq("encode", "-r", "in", "-o", "out", "--lossless").exit_code == 0
    assert files_in("out") == ["a.kq", "b.kq"]
    assert [len(pixels_of(f"out/{name}.kq")) for name in "ab"] == [4, 1]


def test_label_maps_have_no_colours(folder):
    kqcodec.write("m.kq", kqcodec.LabelMap(np.zeros((3, 3), np.uint8)))
    for more in ([], ["--frame", 0]):
        result = kq("encode", "m.kq", "-o", "o.kq", *more)
        assert "is a label map, and its ids are no colours" in refusal(result, 1)


def test_a_palette_is_that_of_all_frames(frames, folder):
    save(frames, "a.png")
    save(frames[:, :, :, :1].repeat(3, axis=3), "b.gif")
    for names in (["a.png"], ["a.png", "b.gif"]):
        result = kq("palette", *names, "-k", 9, "-o", "p.hex", "--force", "--json")
        assert result.exit_code == 0, result.stderr
        assert json.loads(result.stdout)["pixels"] == len(names) * 4 * 48
    assert not result.stderr


def test_an_animation_from_standard_input(frames, folder):
    save(frames, "a.gif")
    result = kq("encode", "-", "--lossless", stdin=(folder / "a.gif").read_bytes())
    assert result.exit_code == 0, result.stderr
    assert np.array_equal(pixels_of(result.stdout_bytes), frames)


def test_a_cut_gif_keeps_its_whole_frames(folder):
    palette = np.arange(48, dtype=np.uint8).reshape(16, 3)
    random = np.random.default_rng(0)
    patches = [gifs.Patch(random.integers(0, 16, (40, 40), np.uint8)) for _ in range(4)]
    data = gifs.gif((40, 40), palette, patches)
    (folder / "a.gif").write_bytes(data[: len(data) * 5 // 8])
    result = kq("encode", "a.gif", "--lossless")
    assert result.exit_code == 0
    assert "cut short; only its first 2 frames, which are whole, are used" in result.stderr
    whole = list(gifs.shown((40, 40), palette, patches[:2]))
    assert np.array_equal(pixels_of("a.kq"), np.stack(whole)[..., :3])


def test_metadata_of_animations_is_kept(frames, folder):
    exif = Image.Exif()
    exif[0x010E] = "a test"
    save(frames, "a.webp", lossless=True, exif=exif.tobytes())
    for more in ([], ["--frame", 2]):
        assert kq("encode", "a.webp", "--keep", "exif", "--force", *more).exit_code == 0
        assert b"a test" in kqcodec.open("a.kq").read().metadata.exif


# --- --animate --------------------------------------------------------------


@pytest.fixture
def shots(frames, folder):
    names = [f"{number}.png" for number in range(4)]
    for frame, name in zip(frames, names, strict=True):
        Image.fromarray(frame).save(name)
    return names


def test_pictures_become_frames(shots, frames, folder):
    result = kq("encode", "--animate", "--fps", 12, *shots, "-o", "demo.kq", "--lossless")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("demo.kq: 4 frames of 8 x 6, ")
    assert np.array_equal(pixels_of("demo.kq"), frames)
    assert set(kqcodec.open("demo.kq").durations) == {Fraction(1, 12)}
    assert "exists already" in refusal(kq("encode", "--animate", *shots, "-o", "demo.kq"), 3)
    assert kq("encode", "--animate", *shots, "-o", "demo.kq", "--skip-existing").exit_code == 0


def test_frames_go_to_standard_output(shots, folder):
    result = kq("encode", "--animate", *shots, "-o", "-", "-k", 3)
    assert result.stdout_bytes == kqcodec.encode_frames(shots, 3)
    assert "standard output: 4 frames" in result.stderr


def test_what_is_wrong_with_a_picture_names_it(shots, frames, folder):
    told = refusal(kq("encode", "--animate", *shots, "missing.png", "-o", "demo.kq"), 3)
    assert told.startswith("kq: missing.png: there is no such file")
    Image.fromarray(frames[0][:3]).save("3.png")
    told = refusal(kq("encode", "--animate", *shots, "-o", "demo.kq"), 1)
    assert told == "kq: frame 3, 3.png, has 8 x 3 pixels, but the first has 8 x 6"
    (folder / "2.png").write_bytes(b"no picture")
    told = refusal(kq("encode", "--animate", *shots, "-o", "demo.kq"), 1)
    assert told.startswith("kq: 2.png is not an image")
    assert files_in(folder) == shots


@pytest.mark.parametrize("layout", ["rgb", "rgba", "grey"])
@pytest.mark.parametrize("palette", [True, False])
def test_raw_frames_come_from_a_pipe(layout, palette, frames, folder):
    samples = {
        "rgb": frames,
        "rgba": np.concatenate([frames, frames[..., :1] | 128], axis=3),
        "grey": frames[..., 0],
    }[layout]
    (folder / "p.hex").write_text("#000000\n#ffffff\n#ff0000ff\n#00ff0080\n")
    options = ["--palette", "p.hex"] if palette and layout == "rgba" else []
    options = options or (["-k", "7"] if not palette else ["--lossless"])
    command = ["encode", "-", "--animate", "--raw", "8x6", "--raw-layout", layout, *options]
    result = kq(*command, stdin=samples.tobytes())
    assert result.exit_code == 0, result.stderr
    keywords = {"palette": "p.hex"} if "--palette" in options else {}
    k = 7 if "-k" in options else None
    assert result.stdout_bytes == kqcodec.encode_frames(samples, k, **keywords)


@pytest.mark.parametrize("source", ["-", "raw"])
def test_a_cut_last_frame_costs_itself(source, frames, folder):
    data = frames.tobytes() + b"four"
    (folder / "raw").write_bytes(data)
    command = ["encode", source, "--animate", "--raw", "8x6", "--lossless", "-o", "a.kq"]
    result = kq(*command, stdin=data)
    assert "a.kq: 4 frames of 8 x 6" in result.stdout
    shown = "standard input" if source == "-" else "raw"
    told = refusal(result, 1)
    assert told == f"kq: {shown}: it ends after 4 bytes of frame 4; those before it are written"
    assert np.array_equal(pixels_of("a.kq"), frames)
    rows = kq(*command, "--force", "--json", stdin=data).stdout.splitlines()
    assert [json.loads(row).get("frames") for row in rows] == [4, None]


@pytest.mark.parametrize("data", [b"", b"four"])
def test_less_than_a_frame_is_none(data, folder):
    result = kq("encode", "-", "--animate", "--raw", "8x6", "-o", "a.kq", stdin=data)
    told = refusal(result, 1)
    assert f"standard input ends after {len(data)} of the 144 bytes of a frame" in told
    assert files_in(folder) == []


def test_a_pipe_is_encoded_while_it_comes(frames, folder):
    """With a palette each frame leaves before the next one has come."""
    (folder / "p.hex").write_text("#000000\n#ffffff\n")
    command = [*KQ, "encode", "-", "--animate", "--raw", "8x6", "--palette", "p.hex", "-q"]
    encoder = FrameEncoder(frames, None, palette="p.hex")
    expected = list(encoder.parts())
    begun = len(b"".join(expected[:2]))  # with the first frame
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdin.write(frames[0].tobytes())
        process.stdin.flush()
        data = process.stdout.read(begun)
        process.stdin.write(frames[1:].tobytes())
        process.stdin.close()
        data += process.stdout.read()
    assert process.returncode == 0
    assert data == b"".join(expected)


def test_raw_frames_over_the_limit(folder):
    command = ["encode", "-", "--animate", "--raw", "800x600", "--max-pixels", 1000]
    told = refusal(kq(*command, "-o", "a.kq", stdin=b""), 1)
    assert "each frame has 480,000 pixels, more than 1,000" in told


# --- what is refused --------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--animate", "a.png", "b.png"], "--animate needs -o"),
        (["--animate", "-", "-o", "x.kq"], "--animate takes - only with --raw"),
        (["--animate", "a", "b", "--raw", "3x3", "-o", "x.kq"], "takes one FILE, or -"),
        (["--animate", "-r", "a", "-o", "x.kq"], "--animate and -r exclude each other"),
        (["--animate", "--labels", "a", "-o", "x.kq"], "--animate and --labels exclude"),
        (["a", "--frame", 1, "--fps", 2], "--frame takes one frame, a still; leave out --fps"),
        (["a", "--fps", 1, "--duration", 1], "--fps and --duration exclude each other"),
        (["a", "--fps", "0"], "'0' is not a number above 0"),
        (["a", "--duration", "nan"], "'nan' is not a number above 0"),
        (["a", "--loop", -1], "-1 is not in the range"),
        (["a", "--lossless", "-k", 5], "--lossless keeps all colours; leave out -k"),
        (["a", "--lossless", "--dither", 1], "leave out --dither"),
        (["a", "--lossless", "--labels"], "--labels keeps those that there are"),
    ],
)
def test_options_that_make_no_sense(arguments, told, folder):
    assert told in usage_refusal(kq("encode", *arguments))


def test_goals_are_for_one_picture(frames, folder):
    save(frames, "a.png")
    assert "this has several frames" in refusal(kq("encode", "a.png", "--psnr", 30), 2)
    assert kq("encode", "a.png", "--psnr", 30, "--frame", 1).exit_code == 0


@pytest.mark.parametrize("count", [1, 2])
def test_lossless_takes_no_more_colours_than_there_may_be(count, folder):
    colors = np.arange(256 * 257, dtype="<u4").view(np.uint8).reshape(count, -1, 257, 4)
    save(colors[..., :3], "a.png")
    told = refusal(kq("encode", "a.png", "--lossless"), 1)
    assert "65,792 different colours" in told
    assert told.endswith("; leave out --lossless, to keep the best of them")
    assert files_in(folder) == ["a.png"]
