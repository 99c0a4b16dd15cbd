"""`kq` itself: help, version, exit codes, start-up, interruptions."""

import os
import subprocess
import sys

import numpy as np
import pytest
from commands import KQ, kq, kq_process, refusal, usage_refusal

import kqcodec
from kqcodec import cli, kernels
from kqcodec.cli.options import common
from kqcodec.cli.screen import failures
from kqcodec.coding import decoder
from kqcodec.quantization import options


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.kq"
    kqcodec.write(path, np.zeros((4, 5, 3), np.uint8), 3)
    return path


def test_help_lists_the_commands_and_the_exit_codes():
    text = kq("--help").stdout
    for name, line in cli.COMMANDS.items():
        assert f"{name} " in text
        assert line in text
    for code, meaning in failures.EXIT_CODES.items():
        assert f"{code:<3}  {meaning}" in text


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_has_help(name):
    result = kq(name, "--help")
    assert result.exit_code == 0
    assert f"Usage: kq {name}" in result.stdout


def test_no_command_shows_help():
    result = kq()
    assert "Commands:" in result.stdout + result.stderr  # which one, click's versions differ


def test_an_unknown_command_is_named():
    assert "'enocde'" in usage_refusal(kq("enocde"))


def test_defaults_written_twice_agree():
    assert decoder.DEFAULT_MAX_PIXELS == common.MAX_PIXELS
    assert options.DEFAULT_RESTARTS == common.RESTARTS


@pytest.mark.parametrize("kernels", ["compiled", "reference"])
def test_version_names_what_runs(kernels, tmp_path):
    environment = {**os.environ, "KQCODEC_KERNELS": kernels}
    result = kq_process("--version", env=environment)
    if result.returncode == 0:
        expected = f"kqcodec {kqcodec.__version__}, format 1.0, kernels: {kernels}\n"
        assert result.stdout.decode() == expected
        assert kernels_loaded(environment, tmp_path) == kernels
    else:  # this install has no compiled kernels
        assert kernels == "compiled"
        assert "can't be loaded" in refusal(result, failures.SYSTEM)


def kernels_loaded(environment, folder):
    code = "import kqcodec.kernels as k; assert k.kernels.__name__.endswith(k.NAME); print(k.NAME)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, check=True, cwd=folder)
    return done.stdout.decode().strip()


def test_kernels_that_do_not_exist_are_refused():
    result = kq_process("--version", env={**os.environ, "KQCODEC_KERNELS": "quantum"})
    assert "'quantum'" in refusal(result, failures.SYSTEM)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["info"]])
def test_start_up_imports_nothing_heavy(arguments, small):
    if arguments == ["info"]:
        if kernels.chosen() == "reference":
            pytest.skip("the reference kernels, which decode the palette, are NumPy")
        arguments = ["info", small]
    command = [sys.executable, "-X", "importtime", *KQ, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, check=True)
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.decode().splitlines()}
    assert "click" in loaded
    assert not {"numpy", "PIL", "rich", "bitarray"} & loaded


def test_the_module_is_the_command(tmp_path):
    module = [sys.executable, "-m", "kqcodec", "--version"]
    done = subprocess.run(module, capture_output=True, check=True, cwd=tmp_path)
    assert done.stdout == kq_process("--version").stdout


def test_a_closed_pipe_ends_quietly(small):
    reader, writer = os.pipe()
    os.close(reader)
    result = kq_process("info", small, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert result.returncode == failures.PIPE_CLOSED
    assert result.stderr == b""


def test_a_full_disk_behind_standard_output_is_told(small):
    if not os.path.exists("/dev/full"):
        pytest.skip("this system has no /dev/full")
    with open("/dev/full", "wb") as full:
        result = kq_process("info", small, stdout=full, stderr=subprocess.PIPE)
    message = refusal(result, failures.SYSTEM)
    assert message == "kq: standard output: the disk is full; free some space, or use another"


def test_a_terminal_without_the_sign_gets_question_marks(small):
    environment = {**os.environ, "PYTHONIOENCODING": "iso8859-5"}
    result = kq_process("verify", small, env=environment)
    assert result.returncode == 0, result.stderr
    assert b"24?K + N?log2 K" in result.stdout
