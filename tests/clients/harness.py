"""A server for the tests: started on free ports with a fresh directory, stopped at the end."""

import atexit
import json
import os
import queue
import subprocess
import tempfile
import threading
import time

START_SECONDS_MAX = 60
WAIT_SECONDS_MAX = 60


class Server:
    """One server for all tests of a run; the names of their streams keep them apart."""

    def __init__(self):
        binary = os.environ["SERVER_BINARY"]
        self._directory = tempfile.TemporaryDirectory()
        self._process = subprocess.Popen(
            [binary, "--log-format", "json", "--log-level", "info", "serve",
             "--data-dir", self._directory.name,
             "--listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0"],
            stderr=subprocess.PIPE, text=True)
        self._ready = queue.Queue()
        self._lines = []
        threading.Thread(target=self._read, daemon=True).start()
        try:
            address = self._ready.get(timeout=START_SECONDS_MAX)
        except queue.Empty:
            address = None
        if address is None:
            self.stop()
            raise RuntimeError("the server did not start:\n" + "\n".join(self._lines[-50:]))
        self.host, port = address.rsplit(":", 1)
        self.port = int(port)

    def _read(self):
        for line in self._process.stderr:
            self._lines.append(line.rstrip())
            del self._lines[:-1000]
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if event.get("message") == "ready for Postgres clients":
                self._ready.put(event["address"])
        self._ready.put(None)

    def stop(self):
        self._process.terminate()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._directory.cleanup()


_server = None


def server():
    """The server of this run."""
    global _server
    if _server is None:
        _server = Server()
        atexit.register(_server.stop)
    return _server


def until(condition):
    """Waits until the condition gives something true, and returns it."""
    end = time.monotonic() + WAIT_SECONDS_MAX
    while True:
        result = condition()
        if result or time.monotonic() > end:
            return result
        time.sleep(0.02)
