"""JavaScript run by Node, and npm's packages that are installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from places import PORTABLE

NODE = shutil.which("node")
NPM = shutil.which("npm")
HEAD = """
import { readFileSync } from "node:fs";
import * as kq from "%s";
const file = (name) => readFileSync(name);
const kind = (promise) => promise.then(() => "accepted", (error) => error.kind ?? error.name);
const list = (data) => Array.from(data, (value) => typeof value === "bigint" ? `${value}` : value);
const answer = async () => { %s };
console.log(JSON.stringify(await answer()));
"""


def run(script, folder, module="kq.mjs"):
    """What the body of an async function returns; it knows kq.mjs as `kq`, and reads files of
    `folder` by `file(name)`."""
    program = HEAD % ((PORTABLE / module).as_uri(), script)
    done = node("--input-type=module", "--eval", program, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout)


def node(*arguments, cwd, env=None):
    return subprocess.run(
        [NODE, *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=cwd,
        env=os.environ | (env or {}),
    )


def installed(package):
    """The folder of npm's packages that has this one; skips the test if none has."""
    places = os.environ.get("NODE_PATH", "").split(os.pathsep)
    if NPM is not None:
        root = subprocess.run([NPM, "root", "-g"], check=False, capture_output=True, text=True)
        places.append(root.stdout.strip())
    for place in filter(None, places):
        if (Path(place) / package).is_dir():
            return Path(place)
    pytest.skip(f"npm's {package} isn't installed")
