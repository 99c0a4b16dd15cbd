"""Servers for tests: HTTP with ranges and whatever may go wrong, moto's S3, and a Dask
cluster. They listen on 127.0.0.1 alone, while a test runs."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Site:
    """What an HTTP server serves, how, and what it was asked.

    Attributes:
        files: contents by path, "/a.kq".
        asked: (method, path, (start, stop) or None) of each request.
        headers: those of each request.
        trouble: what happens to a request: takes the handler and the bytes to send, and
            returns whether it has answered itself.
        etags, ranges, insists: whether the server sends ETags, knows ranges, and
            answers If-Match.
    """

    def __init__(self):
        self.files = {}
        self.asked = []
        self.headers = []
        self.trouble = None
        self.etags = self.ranges = self.insists = True
        self.url = ""

    def ranges_of(self, path):
        """The ranges that were asked for."""
        return [span for method, name, span in self.asked if name == path and method == "GET"]


def _handler(site):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # it holds a body back until the head was acknowledged

        def log_message(self, *_):
            pass

        def do_HEAD(self):
            self.answer()

        def do_GET(self):
            self.answer()

        def answer(self):
            found = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
            span = (int(found[1]), int(found[2]) + 1) if found else None
            site.asked.append((self.command, self.path, span))
            site.headers.append(self.headers)
            if site.trouble is not None and site.trouble(self, span):
                return
            data = site.files.get(self.path)
            if data is None:
                self.send(404, b"<h1>not here</h1>")
                return
            etag = f'"{hashlib.sha256(data).hexdigest()[:16]}"'
            headers = {"Accept-Ranges": "bytes"} if site.ranges else {}
            if site.etags:
                headers["ETag"] = etag
            if site.insists and self.headers.get("If-Match", etag) != etag:
                self.send(412, b"", headers)
            elif span is None or not site.ranges:
                self.send(200, data, headers)
            elif span[0] >= len(data):
                self.send(416, b"", {"Content-Range": f"bytes */{len(data)}"})
            else:
                start, stop = span[0], min(span[1], len(data))
                headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(data)}"
                self.send(206, data[start:stop], headers)

        def drip(self, status, headers, part, pause=0.0):
            """Send a head, and then that part over and over, until the client hangs up."""
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.close_connection = True
            with contextlib.suppress(OSError):
                while True:
                    self.wfile.write(part)
                    time.sleep(pause)

        def send(self, status, body, headers=(), length=None):
            self.send_response(status)
            for name, value in dict(headers).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body) if length is None else length))
            self.end_headers()
            if self.command != "HEAD":
                with contextlib.suppress(ConnectionError):
                    self.wfile.write(body)
            if length is not None and length > len(body):
                self.close_connection = True

    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # a client that hangs up is part of the tests


@contextlib.contextmanager
def http_site():
    """A running server's Site."""
    site = Site()
    server = _Server(("127.0.0.1", 0), _handler(site))
    site.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def s3_site():
    """A running moto server: (its URL, the list of (method, path, range) that it was asked)."""
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    asked = []
    application = DomainDispatcherApplication(create_backend_app)

    def counting(environ, start_response):
        asked.append((environ["REQUEST_METHOD"], environ["PATH_INFO"], environ.get("HTTP_RANGE")))
        return application(environ, start_response)

    server = make_server("127.0.0.1", 0, counting, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def dask_cluster(threads_per_worker=1):
    """A running cluster of two worker processes, which come back when they are killed."""
    import dask
    import pytest

    distributed = pytest.importorskip("distributed")
    with (
        # Dask tries four times by default; each restart takes seconds, and what comes
        # behind its last try is what is to be tested.
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=threads_per_worker,
            processes=True,
            dashboard_address="127.0.0.1:0",
            silence_logs=50,
        ) as cluster,
    ):
        yield cluster


@contextlib.contextmanager
def dask_processes():
    """A scheduler and a worker of one thread, which nobody restarts: (the scheduler's
    address, {"scheduler": Popen, "worker": Popen})."""
    with tempfile.TemporaryDirectory() as folder:
        note = os.path.join(folder, "scheduler.json")
        here = {"cwd": folder, "env": os.environ | {"PYTHONPATH": os.path.dirname(__file__)}}
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        module = [sys.executable, "-m"]
        options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-show"]
        processes = {
            "scheduler": subprocess.Popen(
                [*module, "distributed.cli.dask_scheduler", *options, "--scheduler-file", note],
                **here,
                **quiet,
            )
        }
        try:
            address = None
            while address is None:
                assert processes["scheduler"].poll() is None
                time.sleep(0.05)
                # There isn't a file yet, or not all of it.
                with contextlib.suppress(OSError, ValueError), open(note, encoding="utf-8") as file:
                    address = json.load(file)["address"]
            options = ["--no-nanny", "--nthreads", "1", "--no-dashboard"]
            processes["worker"] = subprocess.Popen(
                [*module, "distributed.cli.dask_worker", address, *options], **here, **quiet
            )
            yield address, processes
        finally:
            for process in processes.values():
                process.kill()
                process.wait()
