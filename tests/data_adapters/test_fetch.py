"""Downloads from a server on this machine: good, truncated, wrong, with mirrors, offline, pinned."""

from __future__ import annotations

import hashlib
import http.server
import threading

import pytest

from disent_plugins.data_adapters.adapter import RawFile
from disent_plugins.data_adapters.fetch import PINS, fetch, pin
from disent_plugins.errors import DataMissing
from disent_plugins.files import read_json

CONTENT = bytes(range(256)) * 4000
SHA = hashlib.sha256(CONTENT).hexdigest()
MD5 = hashlib.md5(CONTENT).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """``/good``, ``/other`` (same length, other content), ``/short`` (breaks off), anything else is missing."""

    def do_GET(self):
        self.server.asked.append(self.path)
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
    dead = RawFile("data.bin", ("http://127.0.0.1:9/dead", *raw(server, "404", "short", "other", "good")[0].urls),
                   f"sha256:{SHA}")  # fmt: skip
    fetch("toy", (dead,), tmp_path)
    assert (tmp_path / "data.bin").read_bytes() == CONTENT
    assert server.asked == ["/404", "/short", "/other", "/good"]
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


def test_a_published_hash_is_not_pinned(server, tmp_path):
    pin(raw(server, "good"), tmp_path)
    assert names(tmp_path) == []


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
