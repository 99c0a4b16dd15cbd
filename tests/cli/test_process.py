"""Standard streams that nobody listens to, and signals: a sentence or silence, no litter."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from commands import KQ, WITH_CTRL_C, files_in, kq, kq_process, refusal
from PIL import Image

import kqcodec
from kqcodec.cli.screen import failures

pytestmark = [
    pytest.mark.compiled,
    pytest.mark.skipif(os.name != "posix", reason="POSIX streams and signals"),
]

NOISE = np.random.default_rng(3).integers(0, 256, (300, 300, 3), dtype=np.uint8)
FULL = "/dev/full"
CLOSED_SENTENCE = (
    "kq: standard output: it is closed, or may not be written to; open it, or give a file"
)
FULL_SENTENCE = "kq: standard output: the disk is full; free some space, or use another"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(NOISE[:40, :40]).save("a.png")
    kqcodec.write("a.kq", NOISE[:40, :40], 8)
    return tmp_path


def kq_in_shell(line, redirections=""):
    """Run a command line with `kq` in it as a shell does."""
    line = line.replace("kq ", f"{KQ[0]} ", 1)
    return subprocess.run(
        ["bash", "-c", f"{line} {redirections}"], capture_output=True, check=False, timeout=120
    )


# --- standard streams ---------------------------------------------------------

# Each says something on standard output.
TALKERS = [
    "kq --version",
    "kq --help",
    "kq info a.kq",
    "kq verify a.kq --json",
    "kq encode a.png -o b.kq --json",
    "kq decode a.kq -o -",
]


@pytest.mark.parametrize("line", TALKERS)
def test_closed_standard_output_is_told(folder, line):
    assert refusal(kq_in_shell(line, ">&-"), failures.SYSTEM) == CLOSED_SENTENCE


@pytest.mark.parametrize("line", TALKERS)
def test_full_standard_output_is_told(folder, line):
    if not os.path.exists(FULL):
        pytest.skip("this system has no /dev/full")
    assert refusal(kq_in_shell(line, f">{FULL}"), failures.SYSTEM) == FULL_SENTENCE


@pytest.mark.parametrize("how", ["2>&- <&-", f">{FULL} 2>{FULL}"])
@pytest.mark.parametrize(
    ("line", "code"),
    [("kq encode missing.png", failures.SYSTEM), ("kq nonsense", failures.USAGE)],
)
def test_standard_error_that_nobody_hears_leaves_the_exit_code(folder, line, code, how):
    done = kq_in_shell(line, how)
    assert (done.returncode, done.stdout, done.stderr) == (code, b"", b"")


def test_work_is_done_where_nobody_listens(folder):
    assert kq_in_shell("kq encode a.png -o b.kq --quiet", "<&- >&- 2>&-").returncode == 0
    assert kqcodec.read("b.kq").labels.shape == (40, 40)


def test_closed_standard_input_is_told(folder):
    message = refusal(kq_in_shell("kq encode - -o b.kq", "<&-"), failures.SYSTEM)
    assert message.startswith("kq: standard input: it is closed")
    assert files_in(folder) == ["a.kq", "a.png"]


@pytest.mark.parametrize("command", [("--help",), ("decode", "a.kq", "-o", "-"), ("info", "a.kq")])
def test_a_closed_pipe_is_141(folder, command):
    """As in `kq decode a.kq -o - | true`."""
    reader, writer = os.pipe()
    os.close(reader)
    done = kq_process(*command, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert (done.returncode, done.stderr) == (failures.PIPE_CLOSED, b"")


def test_unbuffered_standard_output_gets_all_bytes(folder):
    """A write to it may take a part only, where it isn't buffered."""
    kqcodec.write("n.kq", NOISE, 256, coder="packed")
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    done = kq_process("decode", "n.kq", "-o", "-", env=environment)
    assert done.stdout == kq_process("decode", "n.kq", "-o", "-").stdout
    assert len(done.stdout) > 65_536


# --- outputs that are open already ---------------------------------------------

WRITERS = {
    "encode": ("encode", "a.png", "-k", 4, "-o"),
    "decode": ("decode", "a.kq", "-o"),
    "convert": ("convert", "a.kq", "--to", "gif", "-o"),
    "repair": ("repair", "a.kq", "-o"),
    "palette": ("palette", "a.png", "-k", 4, "--format", "gpl", "-o"),
    "report": ("report", "a.png", "-k", 4, "--effort", "fast", "-o"),
    "segment": ("segment", "a.png", "-k", 4, "-o"),
    "thumbnail": ("thumbnail", "a.kq"),
}


@pytest.mark.parametrize("command", WRITERS)
def test_pipes_and_open_files_are_outputs(folder, command):
    arguments = WRITERS[command]
    whole = kq(*arguments, "-")
    assert whole.exit_code == 0
    assert len(whole.stdout_bytes) > 50
    assert kq(*arguments, "/dev/stdout").stdout_bytes == whole.stdout_bytes
    with open("five", "wb") as file:
        assert kq(*arguments, f"/dev/fd/{file.fileno()}").exit_code == 0
    assert (folder / "five").read_bytes() == whole.stdout_bytes
    reader, writer = os.pipe()
    assert kq(*arguments, f"/dev/fd/{writer}").exit_code == 0
    os.close(writer)
    with open(reader, "rb") as pipe:
        assert pipe.read() == whole.stdout_bytes
    assert files_in(folder) == ["a.kq", "a.png", "five"]


def test_drawings_go_down_a_pipe_as_png(folder):
    pytest.importorskip("matplotlib")
    with open("drawn", "wb") as file:
        done = kq("elbow", "a.png", "-k", "2..3", "-q", "-o", f"/dev/fd/{file.fileno()}")
    assert done.exit_code == 0, done.stderr
    assert (folder / "drawn").read_bytes().startswith(b"\x89PNG")


def test_the_shell_gives_a_command_as_output(folder):
    assert kq_in_shell("kq encode a.png -k 4 -q -o >(cat >five); wait $!").returncode == 0
    assert (folder / "five").read_bytes() == kqcodec.encode(NOISE[:40, :40], 4)


def test_what_stands_in_an_open_file_already_stays(folder):
    assert kq_in_shell("kq encode a.png -k 4 -o /dev/stdout", ">>a.kq").returncode == 0
    before = kqcodec.encode(NOISE[:40, :40], 8)
    assert (folder / "a.kq").read_bytes() == before + kqcodec.encode(NOISE[:40, :40], 4)


# --- signals ------------------------------------------------------------------

SIGNALS = {
    signal.SIGHUP: failures.HUNG_UP,
    signal.SIGINT: failures.INTERRUPTED,
    signal.SIGTERM: failures.TERMINATED,
}


def started(*arguments, **options):
    command = [*map(str, (*WITH_CTRL_C, *KQ, *arguments))]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.Popen(command, start_new_session=True, **options)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_a_command_that_waits(number):
    """Once is enough, whether it comes while bytes are awaited or between two reads."""
    process = started("encode", "-", stdin=subprocess.PIPE)
    # More than a pipe holds: once it is written, the command is reading.
    process.stdin.write(bytes(1 << 20))
    process.stdin.flush()
    process.send_signal(number)
    code = process.wait(timeout=100)
    process.stdin.close()
    with process:
        assert (code, process.stdout.read(), process.stderr.read()) == (SIGNALS[number], b"", b"")


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_leaves_no_temporary_file(folder, number):
    """It comes while a file is being written, whose last bytes are awaited."""
    process = started(
        *("encode", "-", "--raw", "512x100000", "--tile", 64, "-o", "out.kq", "--force"),
        *("--palette", "a.kq"),
        stdin=subprocess.PIPE,
    )
    os.set_blocking(process.stdin.fileno(), False)
    while not any(name.endswith(".tmp") for name in files_in(folder)):
        assert process.poll() is None, process.stderr.read()
        try:
            os.write(process.stdin.fileno(), bytes(4096))
        except BlockingIOError:
            os.sched_yield()
    process.send_signal(number)
    code = process.wait(timeout=100)
    process.stdin.close()
    with process:
        assert (code, process.stdout.read(), process.stderr.read()) == (SIGNALS[number], b"", b"")
    assert files_in(folder) == ["a.kq", "a.png"]


@pytest.mark.parametrize(
    ("number", "to_all"),
    [(signal.SIGTERM, False), (signal.SIGTERM, True), (signal.SIGHUP, True)],
)
def test_a_signal_ends_a_run_over_processes(tmp_path, number, to_all):
    """A terminal sends it to all of them; whoever calls `kill` to the first."""
    top = tmp_path / "in"
    top.mkdir()
    for name in range(100):
        Image.fromarray(NOISE[:24, name : name + 24]).save(top / f"{name}.png")
    process = started(
        *("encode", "-r", top, "-o", tmp_path / "out", "--jobs", 2, "--json"),
        *("--manifest", tmp_path / "m.jsonl", "--effort", "best"),
    )
    line = process.stdout.readline()
    assert b"sha256" in line
    (os.killpg if to_all else os.kill)(process.pid, number)
    rest, errors = process.communicate(timeout=100)
    assert (process.returncode, errors) == (SIGNALS[number], b"")
    written = [name for name in files_in(tmp_path / "out") if name.endswith(".kq")]
    assert files_in(tmp_path / "out") == written
    assert len(written) < 100
    for name in written:
        assert kqcodec.open(tmp_path / "out" / name).size_report().proven
    assert len((line + rest).splitlines()) <= len(written)


def test_what_is_to_be_ignored_is_ignored(folder):
    """As under nohup."""
    code = (
        "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN);"
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, *KQ, "encode", "-", "-o", "b.kq"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    process.stdin.write(bytes(1 << 17))
    process.stdin.flush()
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=100)
    assert process.returncode == failures.REFUSED  # those bytes are no picture


def test_a_command_that_does_not_tidy_up_is_ended(tmp_path):
    """Its main thread hears nothing; what it was writing is removed all the same."""
    code = (
        "import ctypes, signal, sys\n"
        "from kqcodec.cli import process\n"
        "from kqcodec.storage.atomic_write import write_whole\n"
        "process._PATIENCE = 0.1\n"
        "ending = process.Ending()\n"
        "ending.watch()\n"
        "def parts():\n"
        "    yield b'half of it'\n"
        "    try:\n"
        "        signal.raise_signal(signal.SIGTERM)\n"
        "    finally:\n"
        "        ctypes.CDLL(None).sleep(100)\n"
        "write_whole(sys.argv[1], parts(), overwrite=True)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "a.kq")]
    done = subprocess.run(command, check=False, timeout=90, capture_output=True)
    assert (done.returncode, done.stderr) == (failures.TERMINATED, b"")
    assert list(Path(tmp_path).iterdir()) == []
