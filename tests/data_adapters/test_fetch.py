"""Downloads from a server on this machine: good, truncated, wrong, with mirrors, offline, pinned."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import itertools
import threading

import pytest

from disent_plugins.data_adapters.adapter import RawFile
from disent_plugins.data_adapters.fetch import PINS, fetch, pin
from disent_plugins.errors import DataMissing, WorkFailed
from disent_plugins.files import read_json

CONTENT = bytes(range(256)) * 4000
SHA = hashlib.sha256(CONTENT).hexdigest()
MD5 = hashlib.md5(CONTENT).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """``/good``, ``/other`` (same length, other content), ``/short`` (breaks off), ``/endless`` (of no length),
    ``/long`` (announces a terabyte), ``/nonsense`` (announces a text), ``/elsewhere`` (sends on to no address),
    ``/garbage`` (speaks no HTTP), anything else is missing."""

    def do_GET(self):
        self.server.asked.append(self.path)
        if self.path == "/endless":
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):
                while True:
                    self.wfile.write(CONTENT)
            return
        if self.path in ("/long", "/nonsense", "/elsewhere"):
            self.send_response(302 if self.path == "/elsewhere" else 200)
            self.send_header("Content-Length", "a lot" if self.path == "/nonsense" else str(1 << 40))
            self.send_header("Location", "http://[nowhere")
            self.end_headers()
            return
        if self.path == "/garbage":
            self.wfile.write(b"\0\1\2 no HTTP\r\n\r\n")
            return
        if self.path not in ("/good", "/other", "/short"):
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        body = CONTENT[::-1] if self.path == "/other" else CONTENT
        self.wfile.write(body[: len(body) // 2] if self.path == "/short" else body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    """A running server: ``server.url`` and the paths it was ``asked`` for."""
    monkeypatch.delenv("DISENT_OFFLINE", raising=False)
    for proxy in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(proxy, raising=False)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.asked = []
        running.url = f"http://127.0.0.1:{running.server_address[1]}"
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def raw(server, *paths: str, hash: str = f"sha256:{SHA}") -> tuple[RawFile, ...]:
    return (RawFile("data.bin", tuple(f"{server.url}/{path}" for path in paths), hash, len(CONTENT)),)


def names(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("hash", [f"sha256:{SHA}", f"md5:{MD5}"])
def test_a_good_download_is_made_once(server, tmp_path, hash):
    progress = []
    files = raw(server, "good", hash=hash)
    for _ in range(2):
        assert fetch("toy", files, tmp_path, lambda *step: progress.append(step)) == tmp_path
    assert (tmp_path / "data.bin").read_bytes() == CONTENT
    assert server.asked == ["/good"]
    assert names(tmp_path) == ["data.bin"]
    assert progress[-1] == (len(CONTENT), len(CONTENT), "downloading data.bin")
    assert [step[0] for step in progress] == sorted(step[0] for step in progress)
    assert len(progress) > 2


def test_the_next_mirror_takes_over(server, tmp_path):
    live = raw(server, "404", "short", "other", "long", "nonsense", "elsewhere", "garbage", "endless", "good")[0]
    urls = ("http://127.0.0.1:9/dead", "file:///etc/hostname", "nonsense://x", "http://[", *live.urls)
    dead = RawFile("data.bin", urls, f"sha256:{SHA}", len(CONTENT))
    fetch("toy", (dead,), tmp_path)
    assert (tmp_path / "data.bin").read_bytes() == CONTENT
    assert server.asked == [url.removeprefix(server.url) for url in live.urls]
    assert names(tmp_path) == ["data.bin"]


def test_a_wrong_hash_names_both(server, tmp_path):
    with pytest.raises(DataMissing) as error:
        fetch("toy", raw(server, "other"), tmp_path)
    assert hashlib.sha256(CONTENT[::-1]).hexdigest() in str(error.value)
    assert SHA in str(error.value)
    assert names(tmp_path) == []


@pytest.mark.parametrize("hash", [f"sha256:{SHA}", ""])
def test_a_download_that_breaks_off_leaves_nothing(server, tmp_path, hash):
    with pytest.raises(DataMissing) as error:
        fetch("toy", raw(server, "short", hash=hash), tmp_path)
    assert f"{server.url}/short" in str(error.value)
    assert str(len(CONTENT) // 2) in str(error.value)
    assert names(tmp_path) == []


@pytest.mark.parametrize("size", [0, len(CONTENT)])
@pytest.mark.parametrize("path", ["endless", "long", "other", "short", "404", "nonsense", "elsewhere", "garbage"])
def test_a_bad_answer_leaves_nothing_and_names_its_address(server, tmp_path, monkeypatch, path, size):
    monkeypatch.setattr("disent_plugins.data_adapters.fetch.LARGEST", 2 * len(CONTENT))
    file = RawFile("data.bin", (f"{server.url}/{path}",), f"sha256:{SHA}", size)
    with pytest.raises(DataMissing, match=f"  {server.url}/{path}: ") as error:
        fetch("toy", (file,), tmp_path)
    if path == "endless":
        assert f"it sends more than {size or 2 * len(CONTENT)} bytes" in str(error.value)
    assert names(tmp_path) == []
    assert server.asked == [f"/{path}"]


@pytest.mark.parametrize("path", ["good", "endless"])
def test_a_download_that_is_too_slow_ends(server, tmp_path, monkeypatch, path):
    monkeypatch.setattr("disent_plugins.data_adapters.fetch.monotonic", itertools.count(step=10_000).__next__)
    with pytest.raises(DataMissing, match=rf"{server.url}/{path}: it is too slow: [0-9]+ bytes in [0-9]+ s"):
        fetch("toy", raw(server, path), tmp_path)
    assert names(tmp_path) == []


def test_a_full_disk_names_the_address(server, small_disk):
    (small_disk / "filler").write_bytes(bytes(8 << 20)[: 8 * 1000 * 1000])
    with pytest.raises(WorkFailed, match=f"It was being downloaded from {server.url}/good"):
        fetch("toy", raw(server, "good"), small_disk)
    assert names(small_disk) == ["filler"]


def test_a_damaged_file_is_fetched_again_and_leftovers_go(server, tmp_path):
    (tmp_path / "data.bin").write_bytes(CONTENT[:100])
    (tmp_path / ".data.bin.abc.partial").write_bytes(CONTENT[:50])
    fetch("toy", raw(server, "good"), tmp_path)
    assert (tmp_path / "data.bin").read_bytes() == CONTENT
    assert names(tmp_path) == ["data.bin"]


def test_a_damaged_file_stays_where_no_better_one_is_to_be_had(server, tmp_path):
    (tmp_path / "data.bin").write_bytes(b"damaged")
    with pytest.raises(DataMissing, match=hashlib.sha256(b"damaged").hexdigest()):
        fetch("toy", raw(server, "404"), tmp_path)
    assert (tmp_path / "data.bin").read_bytes() == b"damaged"


def test_offline_and_not_cached_says_everything(server, tmp_path, monkeypatch):
    monkeypatch.setenv("DISENT_OFFLINE", "1")
    files = raw(server, "good", "other")
    with pytest.raises(DataMissing) as error:
        fetch("toy", files, tmp_path / "raw")
    for part in (*files[0].urls, f"sha256:{SHA}", str(tmp_path / "raw" / "data.bin"), "toy --source DIR"):
        assert part in str(error.value)
    assert error.value.exit_code == 3
    assert server.asked == []


def test_offline_and_cached_works(server, tmp_path, monkeypatch):
    monkeypatch.setenv("DISENT_OFFLINE", "1")
    (tmp_path / "data.bin").write_bytes(CONTENT)
    fetch("toy", raw(server, "good"), tmp_path)
    assert server.asked == []


def test_an_unpublished_hash_is_pinned(server, tmp_path):
    fetch("toy", raw(server, "good", hash=""), tmp_path)
    pin(raw(server, "good", hash=""), tmp_path)
    assert read_json(tmp_path / PINS) == {"data.bin": f"sha256:{SHA}"}
    (tmp_path / "data.bin").unlink()
    with pytest.raises(DataMissing, match="that of the first download") as error:
        fetch("toy", raw(server, "other", hash=""), tmp_path)
    assert SHA in str(error.value)
    assert str(tmp_path / PINS) in str(error.value)
    fetch("toy", raw(server, "other", "good", hash=""), tmp_path)
    assert (tmp_path / "data.bin").read_bytes() == CONTENT


@pytest.mark.parametrize("content", ["[]", "5", '{"data.bin": 3}', '"x"'])
def test_pins_that_are_none(server, tmp_path, content):
    (tmp_path / PINS).write_text(content)
    with pytest.raises(DataMissing, match=r"pins\.json cannot be used"):
        fetch("toy", raw(server, "good", hash=""), tmp_path)


def test_a_published_hash_is_not_pinned(server, tmp_path):
    pin(raw(server, "good"), tmp_path)
    assert names(tmp_path) == []


@pytest.mark.parametrize(("hash", "kept"), [("", []), (f"sha256:{SHA}", ["data.bin"])])
def test_a_first_download_that_cannot_be_read_is_removed(server, tmp_path, monkeypatch, hash, kept):
    """Without a published hash only the adapter can tell that something else was sent."""
    from helpers import data_files

    from disent_plugins.data_adapters.store import prepare

    monkeypatch.setenv("DISENT_CACHE", str(tmp_path))

    class Unreadable(data_files.Tiny):
        files = raw(server, "good", hash=hash)

        def read(self, source):
            raise DataMissing("data.bin cannot be read.", "It is a web page.", "Delete it.")

    for _ in range(2):
        with pytest.raises(DataMissing, match=r"data\.bin cannot be read") as error:
            prepare(Unreadable())
        assert (f"data.bin was downloaded from {server.url}/good, and is removed" in error.value.why) == (not kept)
        assert names(tmp_path / "raw" / "tiny") == kept
    assert server.asked == ["/good"] * (1 if kept else 2)


def test_prepare_downloads_builds_and_pins(server, tmp_path, monkeypatch):
    from helpers import data_files

    from disent_plugins.data_adapters.store import prepare

    monkeypatch.setenv("DISENT_CACHE", str(tmp_path))

    class Remote(data_files.Tiny):
        files = raw(server, "good", hash="")

        def read(self, source):
            assert (source / "data.bin").read_bytes() == CONTENT
            return super().read(source)

    assert len(prepare(Remote()).images) == 6
    assert read_json(tmp_path / "raw" / "tiny" / PINS) == {"data.bin": f"sha256:{SHA}"}
    assert server.asked == ["/good"]
    monkeypatch.setenv("DISENT_OFFLINE", "1")
    source = tmp_path / "mine"
    source.mkdir()
    (source / "data.bin").write_bytes(CONTENT)
    assert len(prepare(Remote(), source, rebuild=True).images) == 6
