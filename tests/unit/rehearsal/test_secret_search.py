import base64
from pathlib import Path

import pytest

from ops.rehearsal.engine.secret_search import search

TOKEN = "hf_0123456789abcdef0123456789abcdef01"


@pytest.mark.parametrize(
    "content",
    [
        TOKEN.encode(),
        b"\x00binary " + TOKEN.encode() + b"\xff",
        base64.b64encode(TOKEN.encode()),
        base64.b64encode(b"HF_TOKEN=" + TOKEN.encode() + b"\n"),
        base64.b64encode(b"1" + TOKEN.encode()),
        base64.b64encode(b"22" + TOKEN.encode() + b"22"),
    ],
)
def test_a_secret_is_found_in_plain_and_in_base64(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "one.log").write_bytes(b"before " + content)
    (tmp_path / "other").write_text("nothing")
    found = search(tmp_path, ("another", TOKEN), ignored=tmp_path / "etcd")
    assert (found.files, found.found) == (2, (Path("logs/one.log"),))


def test_the_ignored_folder_is_not_searched(tmp_path: Path) -> None:
    (tmp_path / "etcd").mkdir()
    (tmp_path / "etcd" / "db").write_text(TOKEN)
    found = search(tmp_path, (TOKEN,), ignored=tmp_path / "etcd")
    assert (found.files, found.found) == (0, ())
