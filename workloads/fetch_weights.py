"""Fetches one revision of a model repository into a folder, verified, or says in one sentence why it could not.

    python fetch_weights.py --repository Qwen/Qwen3-32B --revision 9216db… --target /models --scratch /scratch

The files come to lie in `<target>/<repository>/<revision>/`, and a marker beside them, written last, says that all of
them are there: run again, it finds the marker, compares sizes and asks no one for anything.

The target is a bucket behind GCS FUSE, where an object appears when its file is closed and cannot be appended to. So a
download is broken off and gone on with in the scratch folder, is verified there, and only then written to the target,
from first byte to last.

One file that needs the standard library only, because it runs as a Job out of a ConfigMap. HF_TOKEN is read from the
environment, for gated repositories. Exit code: 0 all there, 1 not, 2 the command line is at fault.
"""

from __future__ import annotations

import argparse
import contextlib
import email.utils
import hashlib
import http.client
import json
import os
import random
import re
import shutil
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

HUB = "https://huggingface.co"

# What the engine and the frontend read of a repository: weights, configuration, tokenizer, chat template, model code.
SUFFIXES = {".safetensors", ".json", ".jinja", ".txt", ".model", ".tiktoken", ".py"}
# Second copies of the weights for other software: original/ (meta-llama, gpt-oss) and metal/ (gpt-oss).
COPIES = {"original", "metal"}

PARALLEL = 4
CHUNK = 4 * 1024**2
# Without a byte for that long a connection counts as dead.
STALL_SECONDS = 60.0
# No pause between attempts grows beyond it, unless the hub asks for more.
LONGEST_PAUSE = 60.0
# A listing of a thousand files has some 300 kB.
LONGEST_LISTING = 64 * 1024**2

REVISION = re.compile(r"[0-9a-f]{40}")
T = TypeVar("T")


class FetchFailed(Exception):
    """It cannot be done, or not in time; the message is the sentence for a person."""


class Interrupted(Exception):
    """A fault that may be gone at the next attempt. `retry_after` is what the server asked for, in seconds."""

    def __init__(self, reason: str, retry_after: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


@dataclass(frozen=True)
class File:
    """One file of a revision, as the hub's index has it: a sha256 of what is in LFS, of the rest git's blob hash."""

    path: str
    size: int
    sha256: str | None
    git_sha1: str | None

    def to_wire(self) -> dict[str, Any]:
        return {"size": self.size} | ({"sha256": self.sha256} if self.sha256 else {"gitSha1": self.git_sha1})

    def is_content_of(self, path: Path) -> bool:
        """Whether the file at `path` has this file's size and hash."""
        if not path.is_file() or path.stat().st_size != self.size:
            return False
        digest = hashlib.sha256() if self.sha256 else hashlib.sha1(b"blob %d\0" % self.size, usedforsecurity=False)
        with path.open("rb") as content:
            while chunk := content.read(CHUNK):
                digest.update(chunk)
        return digest.hexdigest() == (self.sha256 or self.git_sha1)


def needed(path: str) -> bool:
    """Whether serving needs the file; the rest of a repository are pictures, papers and copies of the weights."""
    folders = PurePosixPath(path).parts[:-1]
    return PurePosixPath(path).suffix in SUFFIXES and COPIES.isdisjoint(folders)


def listing(answer: Any) -> tuple[str, tuple[File, ...]]:
    """Revision and needed files, by path, of what the hub's API says of a model.

    Raises FetchFailed for an answer of another form, for a file that would lie outside its folder, and for a
    repository without a configuration or without safetensors weights.
    """
    try:
        revision, siblings = answer["sha"], answer["siblings"]
        files = tuple(sorted((_file(s) for s in siblings if needed(s["rfilename"])), key=lambda file: file.path))
    except (KeyError, TypeError):
        raise FetchFailed("the hub's answer is not a listing of a revision's files") from None
    if not isinstance(revision, str) or not REVISION.fullmatch(revision):
        raise FetchFailed("the hub's answer does not name the revision")
    if not any(file.path.endswith(".safetensors") for file in files):
        raise FetchFailed("the repository has no weights in safetensors, the only format that is served")
    if all(file.path != "config.json" for file in files):
        raise FetchFailed("the repository has no config.json, so no engine could load it")
    return revision, files


def _file(sibling: Mapping[str, Any]) -> File:
    path, lfs = sibling["rfilename"], sibling.get("lfs")
    return checked(path, {**lfs, "gitSha1": None} if lfs else {"size": sibling["size"], "gitSha1": sibling["blobId"]})


def checked(path: str, entry: Mapping[str, Any]) -> File:
    """A file from its wire form. Raises FetchFailed if it is not one or would lie outside the folder."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\\" in path or not path.isprintable():
        raise FetchFailed(f"the listing names {path!r}, which would lie outside the model's folder")
    size, sha256, git_sha1 = entry.get("size"), entry.get("sha256"), entry.get("gitSha1")
    hash_is_one = re.fullmatch(r"[0-9a-f]{64}", str(sha256)) or (sha256 is None and REVISION.fullmatch(str(git_sha1)))
    if type(size) is not int or size < 0 or not hash_is_one:
        raise FetchFailed(f"the listing has no size and hash for {path}")
    return File(path=path, size=size, sha256=sha256, git_sha1=None if sha256 else git_sha1)


@dataclass(frozen=True)
class Patience:
    """How long faults are borne: attempts for each file, and one point in time for everything."""

    attempts: int
    backoff: float
    """Seconds before the second attempt; twice as many before each further one."""
    deadline: float
    """In the time of `time.monotonic`."""
    stopped: threading.Event = field(default_factory=threading.Event)
    """Set when another file has failed."""

    def check(self) -> None:
        """Raises FetchFailed once going on has no sense."""
        if self.stopped.is_set():
            raise FetchFailed("stopped, because another file failed")
        if time.monotonic() > self.deadline:
            raise FetchFailed("the time for the whole fetch is over")

    def retry(self, attempt: Callable[[], T]) -> T:
        """What the first attempt that is not Interrupted returns. Raises FetchFailed when there is none."""
        for number in range(1, self.attempts + 1):
            self.check()
            try:
                return attempt()
            except Interrupted as fault:
                if number == self.attempts:
                    raise FetchFailed(f"given up after {number} attempts; the last one met {fault}") from None
                own = min(LONGEST_PAUSE, self.backoff * 2 ** (number - 1)) * random.uniform(0.5, 1.0)
                pause = max(own, fault.retry_after)
                if time.monotonic() + pause > self.deadline:
                    raise FetchFailed(
                        f"met {fault}, and the next attempt, in {pause:.0f} s, would be too late"
                    ) from None
                self.stopped.wait(pause)
        raise FetchFailed("no attempt is allowed")


class _TokenStaysHome(urllib.request.HTTPRedirectHandler):
    """Follows redirects, the token only on the host that it is for: files lie on others, behind signed URLs."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        request = super().redirect_request(req, fp, code, msg, headers, newurl)
        if request and urllib.parse.urlsplit(newurl)[:2] != urllib.parse.urlsplit(req.full_url)[:2]:
            request.remove_header("Authorization")
        return request


class Hub:
    """A model hub's HTTP API. Every method raises Interrupted for what may pass and FetchFailed for what will not."""

    def __init__(self, endpoint: str, token: str | None) -> None:
        if not re.match(r"https?://[^/]", endpoint):
            raise FetchFailed(f"{endpoint!r} is not the address of a hub; such a one is {HUB}")
        # http.client would show a token with a line break in it in its error.
        if token is not None and not re.fullmatch(r"[!-~]+", token):
            raise FetchFailed("HF_TOKEN has characters that are in no token, such as a blank or a line break")
        self._endpoint = endpoint.rstrip("/")
        self._token = token
        self._opener = urllib.request.build_opener(_TokenStaysHome)

    def info(self, repository: str, revision: str | None) -> Any:
        """What the API says of a repository at a revision, or at its newest one: plain data, unchecked."""
        at = f"/revision/{urllib.parse.quote(revision, safe='')}" if revision else ""
        with self.open(f"/api/models/{urllib.parse.quote(repository)}{at}?blobs=true") as response:
            text = b"".join(_chunks(response, most=LONGEST_LISTING))
        try:
            return json.loads(text)
        except ValueError:
            raise FetchFailed(f"{self._endpoint} does not answer as a model hub: no JSON") from None

    def open(self, path: str, offset: int = 0) -> http.client.HTTPResponse:
        """The response to a GET, from the byte at `offset` on where the server can."""
        request = urllib.request.Request(self._endpoint + path, headers={"Accept-Encoding": "identity"})
        request.add_header("User-Agent", "dynamo-gke")
        if self._token:
            request.add_header("Authorization", f"Bearer {self._token}")
        if offset:
            request.add_header("Range", f"bytes={offset}-")
        try:
            return self._opener.open(request, timeout=STALL_SECONDS)
        except urllib.error.HTTPError as error:
            with error:
                raise self._refusal(error, offset) from None
        except (OSError, http.client.HTTPException) as error:
            raise Interrupted(f"no answer from {self._endpoint} ({_reason(error)})") from None

    def _refusal(self, error: urllib.error.HTTPError, offset: int) -> Exception:
        if error.code in (408, 429) or error.code >= 500:
            return Interrupted(f"HTTP {error.code}", _retry_after(error.headers.get("Retry-After")))
        match error.code:
            case 401 | 403 if self._token:
                return FetchFailed(
                    f"the hub refuses the token in HF_TOKEN (HTTP {error.code}); its account must have accepted the "
                    "model's terms on the model's page"
                )
            case 401 | 403:
                return FetchFailed(
                    f"the hub wants a token (HTTP {error.code}): the repository is gated, private or not there; set "
                    "HF_TOKEN to the token of an account that has accepted the model's terms"
                )
            case 404:
                return FetchFailed("the hub does not have it (HTTP 404); repository and revision must be right")
            case 416:
                return FetchFailed(f"the hub has no more than {offset} bytes of it, and its index says more")
            case _:
                return FetchFailed(f"the hub answers HTTP {error.code}")


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    return str(reason) or type(reason).__name__


def _retry_after(header: str | None) -> float:
    """Seconds from a Retry-After header, which has seconds or a date; 0 without one that can be read."""
    if header is None:
        return 0.0
    if header.strip().isdecimal():
        return float(header)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(header).timestamp() - time.time())
    except ValueError:
        return 0.0


def _chunks(response: http.client.HTTPResponse, most: int) -> Iterator[bytes]:
    """The body, up to the chunk in which it passes `most` bytes. Raises Interrupted where the connection breaks."""
    read = 0
    while read <= most:
        try:
            chunk = response.read(CHUNK)
        except (OSError, http.client.HTTPException) as error:
            raise Interrupted(f"a broken connection ({_reason(error)})") from None
        if not chunk:
            return
        read += len(chunk)
        yield chunk


@dataclass(frozen=True)
class Fetch:
    """One revision on its way from the hub, by way of `scratch`, to `target`."""

    hub: Hub
    repository: str
    revision: str
    target: Path
    scratch: Path
    scratch_bytes: int | None
    """How much the scratch folder may hold; None if its disk alone decides."""
    patience: Patience

    @property
    def folder(self) -> Path:
        return self.target / self.repository / self.revision

    @property
    def marker(self) -> Path:
        return self.folder / f".complete-{self.revision}.json"

    def run(self, pinned: tuple[File, ...] | None, say: Callable[[str], None]) -> None:
        """Brings the files that serving needs: those `pinned`, or those that the hub lists. Raises FetchFailed."""
        begun = time.monotonic()
        try:
            present = self._present()
            if present and (pinned is None or present == {file.path: file.to_wire() for file in pinned}):
                say(f"{self.repository} {self.revision}: all {len(present)} files are there")
                return
            # From here to the end nothing vouches for the folder.
            self.marker.unlink(missing_ok=True)
        except OSError as error:
            raise FetchFailed(_disk(error)) from None
        files = pinned or self._listed()
        self._fetch_all(files, say)
        try:
            content = {file.path: file.to_wire() for file in files}
            about = {"repository": self.repository, "revision": self.revision, "files": content}
            self.marker.write_text(json.dumps(about, indent=1), encoding="utf-8")
        except OSError as error:
            raise FetchFailed(f"the marker that all is there: {_disk(error)}") from None
        gib = sum(file.size for file in files) / 1024**3
        say(f"{self.repository} {self.revision}: {gib:.2f} GiB there after {time.monotonic() - begun:.0f} s")

    def _present(self) -> dict[str, Any] | None:
        """The files of the marker if there is one and all of them have the sizes it says. Contents are not read."""
        try:
            files = json.loads(self.marker.read_text(encoding="utf-8"))["files"]
            whole = all((self.folder / path).stat().st_size == entry["size"] for path, entry in files.items())
        except (FileNotFoundError, ValueError, LookupError, TypeError, AttributeError):
            return None
        return files if whole else None

    def _listed(self) -> tuple[File, ...]:
        try:
            revision, files = listing(self.patience.retry(lambda: self.hub.info(self.repository, self.revision)))
        except FetchFailed as failed:
            raise FetchFailed(f"{self.repository}: {failed}") from None
        if revision != self.revision:
            raise FetchFailed(f"{self.repository}: asked for revision {self.revision}, the hub answers for {revision}")
        return files

    def _fetch_all(self, files: Sequence[File], say: Callable[[str], None]) -> None:
        largest = max(files, key=lambda file: file.size)
        room = PARALLEL * largest.size if self.scratch_bytes is None else self.scratch_bytes
        if room < largest.size:
            raise FetchFailed(f"{largest.path} has {largest.size} bytes and the scratch folder may hold {room} only")
        at_once = min(PARALLEL, room // largest.size) if largest.size else PARALLEL
        with ThreadPoolExecutor(at_once) as pool:
            under_way = [pool.submit(self._fetch, file) for file in files]
            try:
                for number, done in enumerate(as_completed(under_way), start=1):
                    say(f"[{number}/{len(files)}] {done.result()}")
            except BaseException:
                self.patience.stopped.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _fetch(self, file: File) -> str:
        """Brings one file to its place; returns the progress line. Raises FetchFailed with the file's name."""
        begun = time.monotonic()
        place, partial = self.folder / file.path, self.scratch / self.revision / f"{file.path}.partial"
        try:
            self.patience.check()
            # Left by a run that was killed. Its size alone would be proof of little.
            if file.is_content_of(place):
                return f"{file.path}: was there"
            partial.parent.mkdir(parents=True, exist_ok=True)
            self.patience.retry(lambda: self._download(file, partial))
            place.parent.mkdir(parents=True, exist_ok=True)
            place.unlink(missing_ok=True)  # GCS FUSE streams what is written to new files only
            with partial.open("rb") as source, place.open("wb") as out:
                shutil.copyfileobj(source, out, CHUNK)
            if (size := place.stat().st_size) != file.size:
                raise FetchFailed(f"only {size} of {file.size} bytes came to lie in the target")
            partial.unlink()
        except FetchFailed as failed:
            raise FetchFailed(f"{file.path}: {failed}") from None
        except OSError as error:
            raise FetchFailed(f"{file.path}: {_disk(error)}") from None
        return f"{file.path}: {file.size / 1024**2:.1f} MiB in {time.monotonic() - begun:.1f} s"

    def _download(self, file: File, partial: Path) -> None:
        """One attempt to make `partial` the whole file. Goes on where an earlier attempt, or run, was broken off."""
        earlier = partial.stat().st_size if partial.exists() else 0
        if earlier > file.size:
            partial.unlink()
            earlier = 0
        if earlier < file.size or not partial.exists():
            self._receive(file, partial, earlier)
        have = partial.stat().st_size
        if have < file.size:
            raise Interrupted(f"an end after {have} of {file.size} bytes")
        if file.is_content_of(partial):
            return
        partial.unlink()
        if earlier:  # the pieces may have been put together wrong: once more, in one piece
            raise Interrupted("a file put together of pieces that is not what the index says")
        if have > file.size:
            raise FetchFailed(f"the hub sends more than the {file.size} bytes that its index says")
        raise FetchFailed("the hub sends content whose hash is not what its index says")

    def _receive(self, file: File, partial: Path, offset: int) -> None:
        path = f"/{urllib.parse.quote(self.repository)}/resolve/{self.revision}/{urllib.parse.quote(file.path)}"
        with self.hub.open(path, offset) as response:
            goes_on = (response.headers.get("Content-Range") or "").startswith(f"bytes {offset}-")
            with partial.open("ab" if offset and response.status == 206 and goes_on else "wb") as out:
                for chunk in _chunks(response, most=file.size):
                    out.write(chunk)
                    self.patience.check()


def _disk(error: OSError) -> str:
    return f"{error.strerror or error}" + (f" ({error.filename})" if error.filename else "")


def read_pinned(path: Path) -> tuple[File, ...]:
    """The files of a card: path → size and hash, as JSON. Raises FetchFailed for what is not that."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        return tuple(checked(name, entry) for name, entry in sorted(entries.items()))
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise FetchFailed(f"{path} is not a list of files: {error}") from None


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--repository", required=True, help="OWNER/NAME on the hub")
    parser.add_argument("--revision", required=True, help="the commit, 40 hexadecimal digits")
    parser.add_argument("--target", required=True, type=Path, help="the folder that holds all models")
    parser.add_argument("--scratch", required=True, type=Path, help="a folder on a local disk")
    parser.add_argument("--scratch-bytes", type=int, help="how much the scratch folder may hold")
    parser.add_argument("--files", type=Path, help="JSON, path to size and hash, instead of the hub's listing")
    parser.add_argument("--endpoint", default=HUB, help="the hub (%(default)s)")
    parser.add_argument("--attempts", type=int, default=8, help="for each file (%(default)s)")
    parser.add_argument("--backoff", type=float, default=1.0, help="seconds before the second attempt (%(default)s)")
    parser.add_argument("--timeout", type=float, default=3 * 3600.0, help="seconds for everything (%(default)s)")
    given = parser.parse_args(argv)
    if not REVISION.fullmatch(given.revision):
        parser.error(f"--revision {given.revision!r} is not a commit of 40 hexadecimal digits; branches move")
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", given.repository) or ".." in given.repository:
        parser.error(f"--repository {given.repository!r} is not OWNER/NAME")
    if given.attempts < 1:
        parser.error("--attempts must be at least 1")
    return given


def main(argv: Sequence[str] | None = None) -> int:
    """Fetches what the command line says; the exit code is in the module's docstring."""
    given = _arguments(argv)
    try:
        fetch = Fetch(
            hub=Hub(given.endpoint, os.environ.get("HF_TOKEN", "").strip() or None),
            repository=given.repository,
            revision=given.revision,
            target=given.target,
            scratch=given.scratch,
            scratch_bytes=given.scratch_bytes,
            patience=Patience(
                attempts=given.attempts, backoff=given.backoff, deadline=time.monotonic() + given.timeout
            ),
        )
        fetch.run(read_pinned(given.files) if given.files else None, lambda line: print(line, flush=True))
    except FetchFailed as failed:
        print(f"error: {failed}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
    sys.exit("interrupted")
