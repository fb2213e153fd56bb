"""The files of a revision, from the hub's listing, a model card or a marker; all three pass the same checks."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, cast

from ..verify.untrusted import InvalidJson, read_json  # noqa: TID252 - the Job has no absolute name for it
from .errors import FetchFailed

# Files that the engine and the frontend read: weights, configuration, tokenizer, chat template, model code.
SUFFIXES = {".safetensors", ".json", ".jinja", ".txt", ".model", ".tiktoken", ".py"}
# Copies of the weights for other software: original/ (meta-llama, gpt-oss) and metal/ (gpt-oss).
COPIES = {"original", "metal"}

# The largest open models have about two hundred files, at most two folders deep.
MAX_FILES = 10_000
MAX_DEPTH = 8
MAX_NAME_BYTES = 200
# The largest object that a bucket accepts.
MAX_FILE_BYTES = 5 * 2**40

REVISION = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_CHUNK = 4 * 1024**2


@dataclass(frozen=True)
class File:
    """One file of a revision: its size, and its sha256 if the hub keeps it in LFS, otherwise git's blob hash."""

    path: str
    size: int
    sha256: str | None
    git_sha1: str | None

    def to_wire(self) -> dict[str, Any]:
        return {"size": self.size} | ({"sha256": self.sha256} if self.sha256 else {"gitSha1": self.git_sha1})

    def has_size(self, path: Path) -> bool:
        """Whether `path` is a file of this size and not a symbolic link."""
        return not path.is_symlink() and path.is_file() and path.stat().st_size == self.size

    def is_content_of(self, path: Path, check: Callable[[], None]) -> bool:
        """Whether the file at `path` has this file's size and hash. Calls `check` repeatedly meanwhile."""
        if not path.is_file() or path.stat().st_size != self.size:
            return False
        digest = hashlib.sha256() if self.sha256 else hashlib.sha1(b"blob %d\0" % self.size, usedforsecurity=False)
        with path.open("rb") as content:
            while chunk := content.read(_CHUNK):
                check()
                digest.update(chunk)
        return digest.hexdigest() == (self.sha256 or self.git_sha1)


def needed(path: str) -> bool:
    """Whether serving needs the file, unlike pictures, papers, hidden files and copies of the weights."""
    parts = PurePosixPath(path).parts
    hidden = any(part.startswith(".") and part != ".." for part in parts)
    return PurePosixPath(path).suffix in SUFFIXES and not hidden and COPIES.isdisjoint(parts[:-1])


def listing(answer: Any) -> tuple[str, tuple[File, ...]]:
    """Revision and needed files, by path, from the hub API's answer on a model.

    Raises FetchFailed for an answer of another form and for files that `accepted` rejects.
    """
    try:
        revision, siblings = answer["sha"], answer["siblings"]
        entries = [(s["rfilename"], _entry(s)) for s in siblings if needed(s["rfilename"])]
    except (KeyError, TypeError, AttributeError):
        raise FetchFailed("the hub's answer is not a listing of a revision's files") from None
    if not isinstance(revision, str) or not REVISION.fullmatch(revision):
        raise FetchFailed("the hub's answer does not name the revision")
    return revision, accepted(entries)


def _entry(sibling: Mapping[str, Any]) -> dict[str, Any]:
    lfs = sibling.get("lfs")
    return {**lfs, "gitSha1": None} if lfs else {"size": sibling["size"], "gitSha1": sibling["blobId"]}


def accepted(entries: Iterable[tuple[str, Any]]) -> tuple[File, ...]:
    """The needed files, sorted by path, from pairs of path and wire form.

    Raises FetchFailed unless an engine could load the files as a model, each file lies inside the model's folder, and
    no file can overwrite another.
    """
    files = tuple(sorted((_file(path, e) for path, e in entries if needed(path)), key=lambda file: file.path))
    if len(files) > MAX_FILES:
        raise FetchFailed(f"the repository lists {len(files)} files to serve; the max is {MAX_FILES}")
    if not any(file.path.endswith(".safetensors") for file in files):
        raise FetchFailed("the repository has no weights in safetensors, the only supported format")
    if all(file.path != "config.json" for file in files):
        raise FetchFailed("the repository has no config.json, so no engine could load it")
    _check_apart(files)
    return files


def _file(path: str, entry: Any) -> File:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\\" in path or not path.isprintable():
        raise FetchFailed(f"the listing names {path[:200]!r}, which would lie outside the model's folder")
    if "/".join(parts) != path or len(parts) > MAX_DEPTH or max(len(p.encode()) for p in parts) > MAX_NAME_BYTES:
        raise FetchFailed(
            f"the listing names {path[:200]!r}; a path has at most {MAX_DEPTH} names of at most {MAX_NAME_BYTES} "
            "bytes, separated by single slashes"
        )
    if not isinstance(entry, Mapping):
        raise FetchFailed(f"the listing has no size and hash for {path}")
    known = cast(Mapping[str, Any], entry)
    size, sha256, git_sha1 = known.get("size"), known.get("sha256"), known.get("gitSha1")
    if type(size) is not int or not 0 <= size <= MAX_FILE_BYTES or not _is_hash(sha256, git_sha1):
        raise FetchFailed(f"the listing has no size and hash for {path}")
    return File(path=path, size=size, sha256=sha256, git_sha1=None if sha256 else git_sha1)


def _is_hash(sha256: Any, git_sha1: Any) -> bool:
    if sha256 is None:
        return isinstance(git_sha1, str) and bool(REVISION.fullmatch(git_sha1))
    return isinstance(sha256, str) and bool(_SHA256.fullmatch(sha256))


def _check_apart(files: Iterable[File]) -> None:
    """Raises FetchFailed if two paths differ only by case or Unicode form, or if a file is another file's folder."""
    seen: dict[str, str] = {}
    folders: dict[str, str] = {}
    for file in files:
        key = _folded(file.path)
        if other := seen.get(key):
            raise FetchFailed(f"the listing names {other} and {file.path}, which are the same on some file systems")
        seen[key] = file.path
        folders |= {str(parent): file.path for parent in PurePosixPath(key).parents}
    for key, path in seen.items():
        if below := folders.get(key):
            raise FetchFailed(f"the listing names {path} as a file and, with {below}, as a folder")


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def read_list(path: Path) -> tuple[File, ...]:
    """The files that a model card lists: path → size and hash, as JSON. Raises FetchFailed for anything else."""
    try:
        return accepted(read_json(path.read_text(encoding="utf-8")).items())
    except UnicodeDecodeError:
        raise FetchFailed(f"{path} is not a list of files: it is not UTF-8") from None
    except OSError as error:
        raise FetchFailed(f"{path} is not a list of files: {error.strerror}") from None
    except (InvalidJson, AttributeError):
        raise FetchFailed(f"{path} is not a list of files: path to size and hash, as a JSON object") from None
