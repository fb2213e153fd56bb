"""Fetches one revision from the hub to the target folder, and writes the marker of a complete download.

The target is a bucket behind GCS FUSE, where an object appears when its file is closed and cannot be appended to. A
download therefore resumes in the scratch folder and is verified there. Then it is written to the target under a
temporary name and renamed, so another fetch of the same revision never sees a partial file.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..verify.untrusted import InvalidJson, read_json  # noqa: TID252 - the Job has no absolute name for it
from .errors import FetchFailed, Interrupted
from .hub import Hub
from .listing import File, accepted, listing
from .patience import Patience

PARALLEL = 4
_CHUNK = 4 * 1024**2
# A marker of MAX_FILES files with usual names has less than a tenth.
LONGEST_MARKER = 16 * 1024**2
_LOCK_POLL_SECONDS = 0.2

Say = Callable[[str], None]


@dataclass(frozen=True)
class Fetch:
    """The download of one revision to `target`, through `scratch`."""

    hub: Hub
    repository: str
    revision: str
    target: Path
    scratch: Path
    scratch_bytes: int | None
    """Max bytes in the scratch folder; None if only its disk limits it."""
    patience: Patience

    @property
    def folder(self) -> Path:
        return self.target / self.repository / self.revision

    @property
    def marker(self) -> Path:
        """Path of the marker: next to the folder, where no name in a listing can point."""
        return self.folder.with_name(f"{self.revision}.complete.json")

    @property
    def earlier_marker(self) -> Path:
        """Path of earlier releases' marker: inside the folder, so a listing could name it."""
        return self.folder / f".complete-{self.revision}.json"

    def run(self, listed: tuple[File, ...] | None, say: Say) -> None:
        """Fetches the files that serving needs: those of the card, or those that the hub lists. Raises FetchFailed.

        Concurrent fetches of the same revision all succeed once one does: fetches with the same scratch folder wait for
        each other, the others repeat the work.
        """
        try:
            with self._scratch_alone():
                self._run(listed, say)
        except OSError as error:
            raise FetchFailed(_disk(error)) from None

    def _run(self, listed: tuple[File, ...] | None, say: Say) -> None:
        begun = time.monotonic()
        if self._complete(listed, say):
            return
        # From here to the end no marker exists.
        if self.marker.exists():
            self.marker.unlink(missing_ok=True)
        files = self._verified_earlier(listed)
        if files is None:
            files = listed or self._listed()
            try:
                self._fetch_all(files, say)
            except FetchFailed:
                if self._complete(listed, say):  # by another fetch
                    return
                raise
        self._remove_others(files, say)
        self._write_marker(files)
        if self.earlier_marker.is_file():
            self.earlier_marker.unlink(missing_ok=True)
        gib = sum(file.size for file in files) / 1024**3
        say(f"{self.repository} {self.revision}: {gib:.2f} GiB fetched after {time.monotonic() - begun:.0f} s")

    def _complete(self, listed: tuple[File, ...] | None, say: Say) -> bool:
        """Whether a marker exists and all its files have the recorded sizes. Contents are not read."""
        files = self._read_marker(self.marker)
        if files is None or (listed is not None and files != listed) or self._others(files):
            return False
        say(f"{self.repository} {self.revision}: all {len(files)} files already exist")
        return True

    def _read_marker(self, path: Path) -> tuple[File, ...] | None:
        """The files of a marker; None if it is invalid, or if a file is missing or has another size."""
        try:
            if path.is_symlink() or not path.is_file() or path.stat().st_size > LONGEST_MARKER:
                return None
            content = read_json(path.read_text(encoding="utf-8"))
            files = accepted(content["files"].items())
            about = (content["repository"], content["revision"]) == (self.repository, self.revision)
            return files if about and all(file.has_size(self.folder / file.path) for file in files) else None
        except (OSError, UnicodeDecodeError, InvalidJson, LookupError, TypeError, AttributeError, FetchFailed):
            return None

    def _verified_earlier(self, listed: tuple[File, ...] | None) -> tuple[File, ...] | None:
        """The files of an earlier release's marker, if every file has the recorded hash. Sends no request.

        A hostile hub could have written that marker, so it is not trusted without the hashes.
        """
        files = self._read_marker(self.earlier_marker)
        if files is None or (listed is not None and files != listed):
            return None
        with ThreadPoolExecutor(PARALLEL) as pool:
            try:
                right = all(pool.map(self._exists, files))
            except BaseException:
                self.patience.stopped.set()
                raise
        return files if right else None

    def _exists(self, file: File) -> bool:
        """Whether the file exists with the right hash. False also while another fetch replaces it."""
        place = self.folder / file.path
        try:
            return not place.is_symlink() and file.is_content_of(place, self.patience.check)
        except OSError:
            return False

    def _write_marker(self, files: Sequence[File]) -> None:
        about = {
            "repository": self.repository,
            "revision": self.revision,
            "files": {file.path: file.to_wire() for file in files},
        }
        with _replacing(self.marker) as out:
            out.write(json.dumps(about, indent=1).encode())

    def _others(self, files: Sequence[File]) -> list[Path]:
        """Files in the folder that are not in the list. Hidden files are ignored, because engines do not read them."""
        known = {self.folder / file.path for file in files}
        found: list[Path] = []
        for place, folders, names in os.walk(self.folder):
            links = [name for name in folders if (Path(place) / name).is_symlink()]
            folders[:] = [name for name in folders if not name.startswith(".")]
            found += [Path(place) / name for name in (*names, *links) if not name.startswith(".")]
        return sorted(path for path in found if path not in known)

    def _remove_others(self, files: Sequence[File], say: Say) -> None:
        """Removes files that another listing left, because an engine reads the whole folder."""
        for path in self._others(files):
            path.unlink(missing_ok=True)
            say(f"removed a file that is not listed: {path.relative_to(self.folder)}")

    @contextmanager
    def _scratch_alone(self) -> Generator[None]:
        """Locks the scratch folder for this process. Waits for another process until the deadline."""
        folder = self.scratch / self.revision
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder, os.O_RDONLY)
        try:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    self.patience.check()
                    time.sleep(_LOCK_POLL_SECONDS)
            yield
        finally:
            os.close(lock)

    def _listed(self) -> tuple[File, ...]:
        try:
            answer = self.patience.retry(lambda: self.hub.info(self.repository, self.revision, self.patience))
            revision, files = listing(answer)
        except FetchFailed as failed:
            raise FetchFailed(f"{self.repository}: {failed}") from None
        if revision != self.revision:
            raise FetchFailed(
                f"{self.repository}: requested revision {self.revision}, but the hub answers with {revision}"
            )
        return files

    def _fetch_all(self, files: Sequence[File], say: Say) -> None:
        largest = max(files, key=lambda file: file.size)
        room = PARALLEL * largest.size if self.scratch_bytes is None else self.scratch_bytes
        if room < largest.size:
            raise FetchFailed(f"{largest.path} has {largest.size} bytes, but the scratch folder may hold only {room}")
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
        """Fetches one file; returns the progress line. Raises FetchFailed with the file's name."""
        begun = time.monotonic()
        place, partial = self.folder / file.path, self.scratch / self.revision / f"{file.path}.partial"
        try:
            self.patience.check()
            # A killed run or another fetch may have left the file. Its size alone would verify little.
            if self._exists(file):
                return f"{file.path}: already exists"
            partial.parent.mkdir(parents=True, exist_ok=True)
            self.patience.retry(lambda: self._download(file, partial))
            self._place(file, partial, place)
            partial.unlink()
        except FetchFailed as failed:
            raise FetchFailed(f"{file.path}: {failed}") from None
        except OSError as error:
            raise FetchFailed(f"{file.path}: {_disk(error)}") from None
        return f"{file.path}: {file.size / 1024**2:.1f} MiB in {time.monotonic() - begun:.1f} s"

    def _place(self, file: File, partial: Path, place: Path) -> None:
        place.parent.mkdir(parents=True, exist_ok=True)
        inside = self.target.resolve() / place.parent.relative_to(self.target)
        if place.parent.resolve() != inside:
            raise FetchFailed(f"a symbolic link leads from {place.parent} to another folder")
        with partial.open("rb") as source, _replacing(place) as out:
            while chunk := source.read(_CHUNK):
                self.patience.check()
                out.write(chunk)
        if (size := place.stat().st_size) != file.size:
            raise FetchFailed(f"only {size} of {file.size} bytes arrived in the target")

    def _download(self, file: File, partial: Path) -> None:
        """Makes one attempt to complete `partial`. Resumes where an earlier attempt or run stopped."""
        earlier = partial.stat().st_size if partial.exists() else 0
        if earlier > file.size:
            partial.unlink()
            earlier = 0
        if earlier < file.size or not partial.exists():
            self._receive(file, partial, earlier)
        have = partial.stat().st_size
        if have < file.size:
            raise Interrupted(f"the connection ended after {have} of {file.size} bytes")
        if file.is_content_of(partial, self.patience.check):
            return
        partial.unlink()
        if earlier:  # the parts may not fit together, so the next attempt fetches the whole file
            raise Interrupted("the resumed file does not have the hash of the index")
        if have > file.size:
            raise FetchFailed(f"the hub sends more than the {file.size} bytes of its index")
        raise FetchFailed("the hub sends content that does not have the hash of its index")

    def _receive(self, file: File, partial: Path, offset: int) -> None:
        with (
            self.hub.file(self.repository, self.revision, file, offset, self.patience) as (goes_on, content),
            partial.open("ab" if goes_on else "wb") as out,
        ):
            for chunk in content:
                out.write(chunk)


@contextmanager
def _replacing(place: Path) -> Generator[BinaryIO]:
    """A temporary file that replaces `place` when it is complete, and is deleted after an error.

    Its random name keeps two writers apart. It is hidden, so no listing names it and no engine reads it.
    """
    own = place.with_name(f".{place.name}.{secrets.token_hex(8)}.partial")
    try:
        with own.open("xb") as out:
            yield out
        own.replace(place)
    except BaseException:
        own.unlink(missing_ok=True)
        raise


def _disk(error: OSError) -> str:
    return f"{error.strerror or error}" + (f" ({error.filename})" if error.filename else "")
