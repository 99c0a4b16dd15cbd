"""`kq portable`: the decoders in other languages, copied."""

import pytest
from commands import files_in, kq, refusal, usage_refusal

from kqcodec import portable
from kqcodec.cli.commands.portable import command as portable_command
from kqcodec.cli.screen import failures

pytestmark = pytest.mark.compiled


def test_all_are_copied(tmp_path):
    result = kq("portable", tmp_path / "new" / "folder")
    assert result.exit_code == 0, result.stderr
    folder = tmp_path / "new" / "folder"
    assert files_in(folder) == sorted(portable.NAMES)
    for name in portable.NAMES:
        data = portable.path(name).read_bytes()
        assert (folder / name).read_bytes() == data
        assert f"{folder / name}: {len(data):,} bytes\n" in result.stdout
    assert '#include "kq.h"' in result.stdout
    assert 'import { decode } from "./kq.mjs"' in result.stdout


def test_some_are_copied(tmp_path):
    result = kq("portable", tmp_path, "kq.d.ts", "kq.h")
    assert files_in(tmp_path) == ["kq.d.ts", "kq.h"]
    assert "KQ_IMPLEMENTATION" in result.stdout
    assert "kq.mjs" not in result.stdout
    assert kq("portable", tmp_path / "types", "kq.d.ts").stdout.count("\n") == 1
    assert kq("portable", tmp_path / "quiet", "-q").stdout == ""


def test_the_same_again_is_no_matter_and_others_stay(tmp_path):
    kq("portable", tmp_path, "kq.h")
    assert kq("portable", tmp_path, "kq.h", "kq.mjs").exit_code == 0
    (tmp_path / "kq.h").write_text("mine\n")
    (tmp_path / "kq.mjs").unlink()
    message = refusal(kq("portable", tmp_path), failures.SYSTEM)
    assert f"{tmp_path / 'kq.h'}: another file of that name is there" in message
    assert "--force" in message
    assert files_in(tmp_path) == ["kq.h"]  # nothing was written
    assert kq("portable", tmp_path, "--force").exit_code == 0
    assert (tmp_path / "kq.h").read_bytes() == portable.path("kq.h").read_bytes()


def test_what_cannot_be_is_refused(tmp_path):
    message = refusal(kq("portable", tmp_path / "new", "kq.rs"), failures.USAGE)
    assert "'kq.rs'" in message
    assert "kq-inline.mjs" in message
    assert not (tmp_path / "new").exists()
    (tmp_path / "file").touch()
    refusal(kq("portable", tmp_path / "file"), failures.SYSTEM)
    assert "DIR" in usage_refusal(kq("portable"))


@pytest.mark.parametrize(("begun", "names"), [("kq-img", 2), ("v", 1), ("x", 0)])
def test_the_names_are_completed(begun, names):
    (_, argument, *_) = portable_command.params
    context = portable_command.make_context("portable", ["folder"])
    found = [item.value for item in argument.shell_complete(context, begun)]
    assert found == [name for name in portable.NAMES if name.startswith(begun)]
    assert len(found) == names
