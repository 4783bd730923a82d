"""A web server for tests that sends pieces of files, in a process of its own: what opens a raster blocks its process.

Run it with a folder; it serves the files of `served` in there, prints its port, writes down what it is asked for, and
falls silent after as many bytes as the file `limit` says.
"""

import http.server
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers one request."""

    protocol_version = "HTTP/1.1"
    home = Path()
    sent = 0

    def do_HEAD(self):
        self._answer(with_body=False)

    def do_GET(self):
        self._answer(with_body=True)

    def log_message(self, *_):
        """Say nothing."""

    def _answer(self, *, with_body):
        limit, file = self.home / "limit", self.home / "served" / self.path.lstrip("/")
        if limit.exists() and Handler.sent > int(limit.read_text()):
            self.close_connection = True
            return
        content = file.read_bytes() if file.is_file() else b""
        wanted = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
        first, last = int(wanted[0]), min(int(wanted[2] or len(content)), len(content) - 1)
        piece = content[first : last + 1] if with_body else b""
        Handler.sent += len(piece)
        with (self.home / "asked").open("a") as log:
            log.write(f"{self.command} {self.path} {len(piece)}\n")
        self.send_response((206 if "Range" in self.headers else 200) if file.is_file() else 404)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(last + 1 - first if file.is_file() else 0))
        self.send_header("Content-Range", f"bytes {first}-{last}/{len(content)}")
        self.end_headers()
        self.wfile.write(piece)


class RangeServer:
    """A server that runs.

    Args:
        home: Its folder.
        port: Its port.
    """

    def __init__(self, home, port):
        self.folder, self._home, self._port = home / "served", home, port

    def address(self, name):
        """Return what GDAL opens for a file."""
        return f"/vsicurl/http://127.0.0.1:{self._port}/{name}"

    def end_after(self, count):
        """Fall silent after so many bytes."""
        (self._home / "limit").write_text(str(int(count)))

    @property
    def asked(self):
        """What it was asked for: method, path, and how many bytes went out."""
        log = self._home / "asked"
        return [line.split(" ") for line in log.read_text().splitlines()] if log.exists() else []

    @property
    def sent(self):
        """How many bytes went out."""
        return sum(int(count) for _, _, count in self.asked)


@contextmanager
def serve(home):
    """Run a server on a folder."""
    (home / "served").mkdir(parents=True)
    process = subprocess.Popen([sys.executable, __file__, str(home)], stdout=subprocess.PIPE, text=True)
    try:
        yield RangeServer(home, int(process.stdout.readline()))
    finally:
        process.kill()
        process.communicate()


if __name__ == "__main__":
    Handler.home = Path(sys.argv[1])
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        sys.stdout.write(f"{server.server_port}\n")
        sys.stdout.flush()
        server.serve_forever()
