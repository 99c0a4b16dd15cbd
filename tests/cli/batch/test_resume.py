"""`kq encode` over many files: URLs, processes, Dask, the manifest, and runs that are killed."""

import json
import os
import shutil
import signal
import subprocess
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from commands import KQ, WITH_CTRL_C, files_in, kq, kq_process, refusal, usage_refusal
from PIL import Image
from servers import dask_cluster, http_site, s3_site

import kqcodec
from kqcodec.cli.screen import failures

pytestmark = pytest.mark.compiled

fsspec = pytest.importorskip("fsspec")

MANY = 120  # enough for processes


def draw(path, number=0, side=24):
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(number)
    pixels = random.integers(0, 256, (side, side // 2 + number % 9, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    """120 small pictures in folders."""
    top = tmp_path_factory.mktemp("originals")
    for number in range(MANY):
        draw(top / f"{number % 3}" / f"{number:03}.png", number)
    return top


@pytest.fixture(scope="module")
def wanted(originals, tmp_path_factory):
    """What they become, one after the other, by name."""
    out = tmp_path_factory.mktemp("wanted") / "out"
    assert kq("encode", "-r", originals, "-o", out, *OPTIONS, "--jobs", 1, "-q").exit_code == 0
    return contents(out)


OPTIONS = ["-k", 8, "--effort", "fast", "--coder", "packed"]


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in Path(folder).rglob("*")
        if path.is_file()
    }


def records(path):
    return [json.loads(line) for line in Path(path).read_text().splitlines()][1:]


def test_processes_write_the_same_bytes(originals, wanted, tmp_path):
    done = kq_process(*("encode", "-r", originals, "-o", tmp_path / "out", *OPTIONS, "--jobs", 2))
    assert done.returncode == 0, done.stderr
    assert contents(tmp_path / "out") == wanted
    lines = done.stdout.decode().splitlines()
    assert len(lines) == MANY + 1
    assert lines[-1].startswith(f"{MANY} files written, ")


def test_a_manifest_is_gone_on_with_and_verified(originals, wanted, tmp_path):
    manifest, out = tmp_path / "m.jsonl", tmp_path / "out"
    run = ["encode", "-r", originals, "-o", out, *OPTIONS, "--manifest", manifest, "--jobs", 2]
    assert kq_process(*run).returncode == 0
    assert contents(out) == wanted
    found = records(manifest)
    assert len(found) == MANY
    assert {Path(r["output"]).read_bytes() for r in found} == set(wanted.values())
    assert all(Path(r["input"]).stat().st_size == r["input_bytes"] for r in found)
    assert all(Path(r["output"]).stat().st_size == r["output_bytes"] for r in found)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.kq")}
    again = kq(*run)
    assert again.exit_code == 0
    assert again.stdout == f"0 files written; {MANY} there already\n"
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*.kq")} == before
    verified = kq("verify", "--manifest", manifest)
    assert verified.exit_code == 0
    size = sum(map(len, wanted.values()))
    assert verified.stdout == f"{MANY} files are as the manifest says, {size:,} bytes\n"
    lines = kq("verify", "--manifest", manifest, "--json").stdout.splitlines()
    assert sum(json.loads(line)["file_bytes"] for line in lines) == size


@pytest.fixture
def few(tmp_path, monkeypatch):
    """A folder of three pictures, and the command that notes what becomes of them."""
    monkeypatch.chdir(tmp_path)
    for number in range(3):
        draw(tmp_path / "in" / f"{number}.png", number)
    return ["encode", "-r", "in", "-o", "out", *OPTIONS, "--manifest", "m.jsonl", "-q"]


def test_what_was_written_but_not_noted_is_taken_over(few, tmp_path):
    assert kq(*few).exit_code == 0
    text = (tmp_path / "m.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "m.jsonl").write_text("".join(text[:2]) + text[2][:30])
    # Killed between the link and the removal of the temporary file, it leaves both.
    shutil.copy(tmp_path / "out" / "1.kq", tmp_path / "out" / ".1.kq.kqcodec-1.tmp")
    assert kq(*few).exit_code == 0
    assert len(records("m.jsonl")) == 3
    assert files_in(tmp_path / "out") == ["0.kq", "1.kq", "2.kq"]
    assert kq("verify", "--manifest", "m.jsonl").exit_code == 0


def test_what_somebody_else_has_written_is_not(few, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "1.kq").write_bytes(b"precious")
    sentence = refusal(kq(*few), failures.SYSTEM)
    assert sentence.startswith(f"kq: out{os.sep}1.kq: the file exists already; give --force")
    assert (tmp_path / "out" / "1.kq").read_bytes() == b"precious"
    assert [("sha256" in r, "error" in r) for r in records("m.jsonl")] == [
        (True, False),
        (False, True),
        (True, False),
    ]
    assert kq(*few, "--force").exit_code == 0
    assert len(records("m.jsonl")) == 4  # the two that were done weren't done again
    assert kq("verify", "--manifest", "m.jsonl").exit_code == 0


def test_a_picture_that_has_changed_is_not_done(few, tmp_path):
    assert kq(*few).exit_code == 0
    before = (tmp_path / "out" / "2.kq").read_bytes()
    draw(tmp_path / "in" / "2.png", 77)
    assert "2.kq: the file exists already" in refusal(kq(*few), failures.SYSTEM)
    assert (tmp_path / "out" / "2.kq").read_bytes() == before
    assert kq(*few, "--force").exit_code == 0
    assert (tmp_path / "out" / "2.kq").read_bytes() != before


def test_a_bad_picture_is_noted_told_and_tried_again(few, tmp_path):
    good = (tmp_path / "in" / "1.png").read_bytes()
    (tmp_path / "in" / "1.png").write_bytes(good[:60])
    assert "1.png" in refusal(kq(*few), failures.REFUSED)
    assert files_in(tmp_path / "out") == ["0.kq", "2.kq"]
    assert records("m.jsonl")[1]["exit_code"] == failures.REFUSED
    assert "1.png" in refusal(kq("verify", "--manifest", "m.jsonl", "-q"), failures.REFUSED)
    (tmp_path / "in" / "1.png").write_bytes(good)
    assert kq(*few).exit_code == 0
    assert kq("verify", "--manifest", "m.jsonl", "-q").exit_code == 0


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (["-k", 9], "its k is 8, not 9"),
        (["--coder", "dense"], 'its coder is "packed", not "dense"'),
        (["--psnr", 30], "its k is 8, not 256"),
        (["-o", "elsewhere"], "its results go to "),
        (["--palette", "palette.txt"], "its k is 8, not null"),
    ],
)
def test_the_manifest_of_another_run_is_refused(few, tmp_path, change, sentence):
    (tmp_path / "palette.txt").write_text("#000000\n#ffffff\n")
    assert kq(*few).exit_code == 0
    before, noted = contents("out"), Path("m.jsonl").read_bytes()
    run = [a for a in few if a not in ("-k", 8)] if "k is" in sentence else few
    said = refusal(kq(*run, *change), failures.REFUSED)
    assert f"m.jsonl is the manifest of another run: {sentence}" in said
    assert contents("out") == before
    assert Path("m.jsonl").read_bytes() == noted
    assert not Path("elsewhere").exists()


def test_no_manifest_and_no_such_manifest(few, tmp_path):
    (tmp_path / "m.jsonl").write_text("shopping list")
    assert "no manifest of kqcodec" in refusal(kq(*few), failures.REFUSED)
    assert (tmp_path / "m.jsonl").read_text() == "shopping list"
    assert "no such file" in refusal(kq("verify", "--manifest", "none.jsonl"), failures.SYSTEM)
    assert "give no others" in usage_refusal(kq("verify", "--manifest", "m.jsonl", "a.kq"))
    assert "Missing argument" in usage_refusal(kq("verify"))


def test_a_dry_run_leaves_the_manifest_alone(few):
    few = [*few[:-1], "--dry-run"]
    assert "3 files would be written" in kq(*few).stdout
    assert not Path("m.jsonl").exists()
    assert kq(*few[:-1]).exit_code == 0
    noted = Path("m.jsonl").read_bytes()
    assert kq(*few).stdout == "0 files would be written; 3 there already\n"
    assert Path("m.jsonl").read_bytes() == noted


def test_verify_finds_what_is_wrong(few, tmp_path):
    assert kq(*few).exit_code == 0
    out = tmp_path / "out"
    (out / "0.kq").unlink()
    data = bytearray((out / "1.kq").read_bytes())
    data[40] ^= 1
    (out / "1.kq").write_bytes(data)
    (out / "2.kq").write_bytes(b"short")
    result = kq("verify", "--manifest", "m.jsonl")
    assert result.exit_code == failures.SYSTEM
    assert result.stdout == "0 files are as the manifest says, 0 bytes; 3 failed\n"
    lines = result.stderr.splitlines()
    assert "0.kq: there is no such file" in lines[0]
    assert "1.kq: it has other bytes than were written" in lines[1]
    assert "2.kq: it has 5 bytes, but" in lines[2]


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
def test_a_run_that_is_killed_is_finished_by_the_next(originals, wanted, tmp_path):
    out, manifest = tmp_path / "out", tmp_path / "m.jsonl"
    run = [*KQ, "encode", "-r", originals, "-o", out, *OPTIONS, "--manifest", manifest]
    run = [*map(str, run), "--jobs", "2"]
    for least in (10, 60):
        process = subprocess.Popen(run, stdout=subprocess.DEVNULL, start_new_session=True)
        deadline = time.monotonic() + 60
        while len(list(out.rglob("*.kq"))) < least and time.monotonic() < deadline:
            time.sleep(0.005)
        os.kill(process.pid, signal.SIGKILL)  # its processes notice, and end themselves
        process.wait()
        deadline = time.monotonic() + 30
        while _alive(process.pid) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not _alive(process.pid)
        there = {name: data for name, data in contents(out).items() if name.endswith(".kq")}
        assert there.items() <= wanted.items()  # right, or absent
    done = kq_process(*run[1:])
    assert done.returncode == 0, done.stderr
    assert contents(out) == wanted  # and nothing else is left there
    assert kq("verify", "--manifest", manifest, "-q").exit_code == 0


def _alive(session):
    """Whether there is any process left of a session whose leader is gone."""
    try:
        os.killpg(session, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
def test_ctrl_c_notes_what_is_done(originals, tmp_path):
    out, manifest = tmp_path / "out", tmp_path / "m.jsonl"
    command = [*WITH_CTRL_C, *KQ, "encode", "-r", originals, "-o", out, "--manifest", manifest]
    process = subprocess.Popen(
        [*map(str, command), "-k", "8", "--effort", "best", "--jobs", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not list(out.rglob("*.kq")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    told, errors = process.communicate(timeout=60)
    assert process.returncode == failures.INTERRUPTED
    assert "Traceback" not in errors
    names = {os.path.basename(record["output"]) for record in records(manifest)}
    assert names == {path.name for path in out.rglob("*.kq")}
    assert 0 < len(names) < MANY
    assert f"{len(names)} file" in told.splitlines()[-1]


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
def test_a_worker_that_is_killed_costs_nothing(originals, wanted, tmp_path):
    out = tmp_path / "out"
    run = [*KQ, "encode", "-r", originals, "-o", out, *OPTIONS, "--manifest", tmp_path / "m"]
    process = subprocess.Popen([*map(str, run), "--jobs", "2", "-q"], stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while len(list(out.rglob("*.kq"))) < 10 and time.monotonic() < deadline:
        time.sleep(0.005)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    if children.exists():
        workers = [
            int(child)
            for child in children.read_text().split()
            if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()
        ]
        os.kill(workers[-1], signal.SIGKILL)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert contents(out) == wanted  # and nothing else is left there
    assert kq("verify", "--manifest", tmp_path / "m", "-q").exit_code == 0


def test_what_a_conversion_loses_is_told_by_processes_too(originals, tmp_path):
    shutil.copytree(originals, tmp_path / "in")
    deep = np.arange(24 * 24, dtype=np.uint16).reshape(24, 24) * 113
    Image.fromarray(deep).save(tmp_path / "in" / "deep.png")
    done = kq_process(
        *("encode", "-r", tmp_path / "in", "-o", tmp_path / "out", *OPTIONS, "--jobs", 2, "--json")
    )
    assert done.returncode == 0
    assert b"kq: warning: " in done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == MANY + 1
    assert all("warnings" not in line for line in lines)
    assert all(
        line["sha256"]
        == __import__("hashlib").sha256(Path(line["output"]).read_bytes()).hexdigest()
        for line in lines
    )


# URLs


def test_pictures_in_an_archive(originals, wanted, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with zipfile.ZipFile("all.zip", "w") as archive:
        for path in sorted(originals.rglob("*.png"))[:6]:
            archive.write(path, path.relative_to(originals))
        archive.write(path, "../../evil.png")
        archive.writestr("bad.png", b"bad")
        archive.writestr("readme.txt", b"text")
    result = kq("encode", "-r", "zip://::all.zip", "-o", "out", *OPTIONS, "-q")
    assert result.exit_code == failures.REFUSED
    assert "1 file was passed over" in result.stderr
    assert "zip://bad.png::all.zip is not an image" in result.stderr
    assert len(contents("out")) == 6
    assert contents("out").items() <= wanted.items()
    assert files_in(tmp_path) == ["all.zip", "out"]
    assert kq("encode", "-r", "zip://0::all.zip", "-o", "part", *OPTIONS).exit_code == 0
    assert {f"0/{name}": data for name, data in contents("part").items()} == contents("out")
    sentence = usage_refusal(kq("encode", "-r", originals, "-o", "zip://::new.zip", *OPTIONS))
    assert "zip:// can only be read" in sentence
    sentence = usage_refusal(kq("encode", "-r", "zip://::all.zip", *OPTIONS))
    assert "zip:// can only be read" in sentence


@pytest.fixture
def memory():
    fs = fsspec.filesystem("memory")
    fs.store.clear()
    yield fs
    fs.store.clear()


def test_from_memory_to_memory(originals, wanted, memory, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path in originals.rglob("*.png"):
        memory.pipe(f"/in/{path.relative_to(originals)}", path.read_bytes())
    run = ["encode", "-r", "memory://in", "-o", "memory://out", *OPTIONS, "--manifest", "m.jsonl"]
    assert kq(*run, "--jobs", 2, "-q").exit_code == 0
    there = {name: memory.cat(f"/out/{name}") for name in wanted}
    assert there == wanted
    assert len(memory.find("/out")) == MANY
    assert records("m.jsonl")[0]["output"].startswith("memory://out/")
    assert kq(*run).stdout == f"0 files written; {MANY} there already\n"
    assert kq("verify", "--manifest", "m.jsonl", "-q").exit_code == 0
    # Nothing is replaced, and what is missing is made again.
    first = sorted(wanted)[0]
    memory.rm(f"/out/{first}")
    assert kq(*run).stdout.endswith(f"; {MANY - 1} there already\n")
    assert memory.cat(f"/out/{first}") == wanted[first]
    memory.pipe(f"/out/{first}", b"precious")
    assert "the file exists already" in refusal(kq(*run, "-q"), failures.SYSTEM)
    assert memory.cat(f"/out/{first}") == b"precious"


def test_a_store_that_fails_midway(originals, wanted, memory, tmp_path, monkeypatch):
    """A target that fills up: what is there is whole, and the next run does the rest."""
    monkeypatch.chdir(tmp_path)
    full = [True]
    pipe_file = type(memory).pipe_file

    def pipe(self, path, value, **options):
        if full[0] and len(self.find("/out")) >= 50:
            raise OSError(28, "No space left on device")
        pipe_file(self, path, value, **options)

    monkeypatch.setattr(type(memory), "pipe_file", pipe)
    run = ["encode", "-r", originals, "-o", "memory://out", *OPTIONS, "--manifest", "m.jsonl"]
    result = kq(*run, "--jobs", 1)
    assert result.exit_code == failures.SYSTEM
    assert result.stderr.count("the disk is full; free some space") == MANY - 50
    assert len(memory.find("/out")) == 50
    full[0] = False
    assert kq(*run, "-q").exit_code == 0
    assert {name: memory.cat(f"/out/{name}") for name in wanted} == wanted


def test_one_picture_from_a_url_to_a_url(originals, wanted, memory):
    with http_site() as site:
        site.files["/one.png"] = (originals / "0" / "000.png").read_bytes()
        url = site.url + "/one.png"
        assert kq("encode", url, "-o", "memory://made/one.kq", *OPTIONS).exit_code == 0
        assert memory.cat("/made/one.kq") == wanted["0/000.kq"]
        assert kq("decode", "memory://made/one.kq", "-o", "memory://made/one.png").exit_code == 0
        assert memory.cat("/made/one.png").startswith(b"\x89PNG")
        assert "exists already" in refusal(
            kq("encode", url, "-o", "memory://made/one.kq", *OPTIONS), failures.SYSTEM
        )
        assert "http:// can only be read" in usage_refusal(kq("encode", url, *OPTIONS))
        missing = kq("encode", site.url + "/no.png", "-o", "memory://made/no.kq", *OPTIONS)
        assert "there is no such file" in refusal(missing, failures.SYSTEM)


def test_a_url_folder_that_isnt_there(tmp_path, memory):
    result = kq("encode", "-r", "memory://nowhere", "-o", tmp_path / "out", *OPTIONS, "-q")
    assert "memory://nowhere: there is no such file" in refusal(result, failures.SYSTEM)


def test_a_manifest_needs_files_and_dask_needs_files_that_others_see(tmp_path):
    sentence = usage_refusal(kq("encode", "-", "-o", "a.kq", "--manifest", tmp_path / "m"))
    assert "not standard input" in sentence
    sentence = usage_refusal(
        kq("encode", "-r", "memory://in", "-o", "x.kq", *OPTIONS, "--scheduler", "tcp://h:1")
    )
    assert "other processes see" in sentence
    assert not (tmp_path / "m").exists()


@pytest.fixture(scope="module")
def bucket():
    pytest.importorskip("moto", reason="the extra s3test brings moto")
    s3fs = pytest.importorskip("s3fs")
    before = dict(os.environ)
    with s3_site() as (url, asked):
        os.environ |= {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "k",
            "AWS_SECRET_ACCESS_KEY": "s",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        fs = s3fs.S3FileSystem()
        for name in ("in", "out"):
            fs.mkdir(f"kq-{name}")
        yield fs, asked
        s3fs.S3FileSystem.clear_instance_cache()
        os.environ.clear()
        os.environ |= before


def test_from_s3_to_s3_by_processes(originals, wanted, bucket, tmp_path):
    fs, asked = bucket
    fs.pipe({f"kq-in/{p.relative_to(originals)}": p.read_bytes() for p in originals.rglob("*.png")})
    run = ["encode", "-r", "s3://kq-in", "-o", "s3://kq-out/small", *OPTIONS]
    run += ["--manifest", tmp_path / "m.jsonl", "--jobs", 2, "-q"]
    done = kq_process(*run)
    assert done.returncode == 0, done.stderr
    assert {name: fs.cat(f"kq-out/small/{name}") for name in wanted} == wanted
    asked.clear()
    assert kq(*run).exit_code == 0
    assert len(asked) < 20  # it lists, and doesn't ask for each
    assert kq("verify", "--manifest", tmp_path / "m.jsonl", "-q").exit_code == 0
    # An object that another run has put there meanwhile isn't replaced.
    fs.pipe("kq-out/small/0/000.kq", b"precious")
    result = kq(*run)
    assert "000.kq: the file exists already" in refusal(result, failures.SYSTEM)
    assert fs.cat("kq-out/small/0/000.kq") == b"precious"
    report = kq("info", "s3://kq-out/small/1/001.kq")
    assert report.exit_code == 0
    assert "s3://kq-out/small/1/001.kq" in report.stdout


def test_s3_that_refuses_is_a_sentence(originals, bucket, tmp_path):
    result = kq("encode", originals / "0" / "000.png", "-o", "s3://kq-none/a.kq", *OPTIONS)
    assert "s3://kq-none/a.kq" in refusal(result, failures.SYSTEM)


# Dask


def test_on_dask_with_a_worker_killed_midway(originals, wanted, tmp_path):
    distributed = pytest.importorskip("distributed")
    with dask_cluster(threads_per_worker=2) as cluster:
        with distributed.Client(cluster, set_as_default=False) as client:
            workers = client.run(os.getpid)
        out, manifest = tmp_path / "out", tmp_path / "m.jsonl"
        run = ["encode", "-r", originals, "-o", out, *OPTIONS, "--manifest", manifest]
        run += ["--scheduler", cluster.scheduler_address, "-q"]
        process = subprocess.Popen([*map(str, [*KQ, *run])], stderr=subprocess.PIPE)
        deadline = time.monotonic() + 60
        while len(list(out.rglob("*.kq"))) < 5 and time.monotonic() < deadline:
            time.sleep(0.005)
        os.kill(next(iter(workers.values())), signal.SIGKILL)
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        assert contents(out) == wanted  # and nothing else is left there
        assert len(records(manifest)) == MANY
        assert kq("verify", "--manifest", manifest, "-q").exit_code == 0
        assert kqcodec.read(out / "0" / "000.kq").k <= 8
