"""Write whole files or none, append whole lines or none, within a directory that is held open."""

from __future__ import annotations

import errno
import os
import stat
import sys
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self, TypeVar

    _T = TypeVar("_T")

_BINARY = getattr(os, "O_BINARY", 0)  # Windows would turn "\n" into "\r\n"
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
# Neither wait for the other end of a pipe, nor go where a link leads, nor take a terminal.
_WARY = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | _NO_LINK | _BINARY
# O_PATH also opens a directory that may be entered and not listed.
_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0)
_RELATIVE = {os.open, os.mkdir, os.stat, os.unlink, os.rename} <= os.supports_dir_fd

# Out of the way of the small numbers that scripts pick by hand (`os.dup2(x, 3)`); the second where
# a process may have no more than that (`ulimit -n 64`).
_LOWEST = (100, 20)
_STALE = getattr(errno, "ESTALE", errno.ENOENT)


class OpenDirectory:
    """A directory held open; no link leads out of it.

    Why paths are not enough: where others may write to a folder above, each use of a path may find
    another directory under it, and in that a link to a file of ours, to which we would then write.
    A descriptor stays with the directory, wherever that is moved.

    Parameters
    ----------
    path : Path
        The directory.
    follow : bool
        Whether `path` may be a link to it.
    keep : bool
        Whether it stays open for long: its number is a high one then.

    Attributes
    ----------
    path : Path
        The directory, as it was named; `locate` says where it is now.

    Raises
    ------
    OSError
        There is no such directory.

    Notes
    -----
    A script may close every descriptor that it does not know, and open files of its own, which get
    the same numbers. So device and inode are compared before each use. Where they differ, the
    directory is opened by its path, and they are compared again.

    A name within has ``/`` between its parts. It is opened part by part, relative to the one
    before. Where the system can't do that (Windows), the paths are used as they are.
    """

    __slots__ = ("__weakref__", "_follow", "_identity", "_number", "path")

    def __init__(self, path: Path, *, follow: bool = True, keep: bool = False) -> None:
        self.path = path
        self._follow = follow
        self._number = -1
        self._identity = (-1, -1)
        if not _RELATIVE:
            return
        number = os.open(path, _FOLDER if follow else _FOLDER | _NO_LINK)
        self._number = _raised(number) if keep else number
        found = os.fstat(self._number)
        self._identity = (found.st_dev, found.st_ino)

    def __fspath__(self) -> str:
        return os.fspath(self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Close it, unless someone else has; may be called twice."""
        if self._valid():
            os.close(self._number)
        self._number = -1

    def open(self, name: str, flags: int) -> int:
        """Open a regular file within, and return its descriptor.

        Parameters
        ----------
        name : str
            Its name. With ``O_CREAT``, missing folders on the way are made too.
        flags : int
            As those of `os.open`.

        Raises
        ------
        OSError
            The file, or a folder on the way to it, is a link; the file is not a regular one; or it
            can't be opened.
        """
        return self._within(
            name,
            lambda last, folder: open_regular(last, flags, folder),
            make=bool(flags & os.O_CREAT),
        )

    def opener(self, path: str, flags: int) -> int:
        """Open a file within by its whole path: the `opener` for the built-in `open`.

        What is opened for appending or writing must have no second name: someone may have linked
        a file of ours to this one.
        """
        name = os.path.relpath(path, self.path).replace(os.sep, "/")
        number = self.open(name, flags)
        if flags & os.O_CREAT and os.fstat(number).st_nlink > 1:
            os.close(number)
            raise OSError(errno.EMLINK, "has a second name", path)
        return number

    def read(self, name: str, most: int) -> bytes:
        """Return the content of a file, as `read_regular` does."""
        return self._within(name, lambda last, folder: read_regular(last, most, folder))

    def write(self, name: str, data: bytes, *, sync: bool = True) -> None:
        """Replace a file by `data`, as `write_atomic` does; missing folders are made.

        Without `sync` it does not wait for the disk, and a power cut may take the file: for what a
        run writes beside its record.
        """
        self._within(name, lambda last, folder: _replace(last, data, folder, sync=sync), make=True)

    def append(self, name: str, line: bytes) -> None:
        """Append a line to a file, as `append_line` does."""
        _append(self.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND), line)

    def overwrite(self, name: str, data: bytes) -> bool:
        """Write `data` over a file in place, if it fits into the room that the file has.

        This serves a full disk, where no new file can be written but an old one can be corrected.
        It is not atomic: a kill within these microseconds leaves a torn file.

        Returns
        -------
        bool
            Whether the data were written.
        """
        try:
            descriptor = self.open(name, os.O_WRONLY)
        except OSError:
            return False
        try:
            if os.fstat(descriptor).st_blocks * 512 < len(data):
                return False
            write_all(descriptor, data)
            os.ftruncate(descriptor, len(data))
        except OSError:
            return False
        finally:
            os.close(descriptor)
        return True

    def stat(self, name: str) -> os.stat_result:
        """Return what is known of a file, or of the link that stands there."""
        return self._within(
            name, lambda last, folder: os.stat(last, dir_fd=folder, follow_symlinks=False)
        )

    def unlink(self, name: str, *, missing_ok: bool = False) -> None:
        """Remove a file."""
        try:
            self._within(name, lambda last, folder: os.unlink(last, dir_fd=folder))
        except FileNotFoundError:
            if not missing_ok:
                raise

    def rename(self, name: str, new: str) -> None:
        """Rename a file or folder within; missing folders on the way to `new` are made."""

        def to(last: str, folder: int | None) -> None:
            self._in_folder(
                name,
                lambda found, at: os.rename(found, last, src_dir_fd=at, dst_dir_fd=folder),
                make=False,
            )

        self._within(new, to, make=True)

    def names(self) -> list[str]:
        """Return the names of what it holds."""
        if not _RELATIVE:
            return os.listdir(self.path)
        flags = os.O_RDONLY | os.O_DIRECTORY
        number = self._within(".", lambda last, folder: os.open(last, flags, dir_fd=folder))
        try:
            return os.listdir(number)
        finally:
            os.close(number)

    def folder(self, name: str) -> int:
        """Open a folder within, and return its descriptor."""
        flags = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | _NO_LINK
        return self._within(name, lambda last, folder: os.open(last, flags, dir_fd=folder))

    def given_owner(self) -> int:
        """Return the owner that a file gets which this process makes in the directory.

        That is this process's user, but on file systems that know only one (CIFS, FAT), or take
        one for the other (NFS with root squashed).
        """
        name = f".{os.urandom(8).hex()}.tmp"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY
        number = self._within(name, lambda last, folder: os.open(last, flags, 0o600, dir_fd=folder))
        try:
            return os.fstat(number).st_uid
        finally:
            os.close(number)
            self.unlink(name)

    def is_own(self) -> bool:
        """Return whether a process of this user made the directory."""
        found = self._valid()
        if found is None:  # no relative paths, and so no owners
            return not _RELATIVE
        return found.st_uid == os.geteuid() or found.st_uid == self.given_owner()

    def locate(self) -> Path:
        """Return where the directory is now: `path`, or where somebody has moved it.

        Raises
        ------
        OSError
            It can't be found: it was removed or replaced, or the system does not tell where it is.
        """
        if not _RELATIVE:
            return self.path
        for path in (self.path, self._told_path()):
            if path is not None and self._stands_at(path):
                return path
        # Some file systems (vboxsf) give a directory a new inode when they feel like it.
        self._open_again(self.path)
        return self.path

    def move_to(self, path: Path) -> None:
        """Go on under `path`, which the directory was renamed to, or copied.

        Raises
        ------
        OSError
            What stands there is neither.
        """
        if _RELATIVE and not self._stands_at(path):
            self._open_again(path)
        self.path = path

    def stands_for(self, other: OpenDirectory) -> bool:
        """Return whether another directory, found under `path`, is to be used as this one.

        Never, unless a subclass knows better.
        """
        del other
        return False

    def _within(
        self, name: str, action: Callable[[str, int | None], _T], *, make: bool = False
    ) -> _T:
        """Call `action` with the last part of a name, and the descriptor of its folder."""
        try:
            if _RELATIVE and not self._there():
                self._open_again(self.path)
            return self._in_folder(name, action, make=make)
        except OSError as error:
            error.filename = str(self.path / name)
            del error.filename2  # None would be shown: "-> None"
            if error.errno == errno.ELOOP:
                error.strerror = "is a link, which is not followed"
            raise

    def _in_folder(self, name: str, action: Callable[[str, int | None], _T], *, make: bool) -> _T:
        *folders, last = name.split("/")
        if not _RELATIVE:
            folder = self.path
            for part in folders:
                folder /= part
                if make:
                    folder.mkdir(exist_ok=True)
            return action(str(folder / last), None)
        opened = [self._number]
        try:
            for part in folders:
                if make:
                    try:
                        os.mkdir(part, dir_fd=opened[-1])
                    except FileExistsError:
                        pass
                opened.append(os.open(part, _FOLDER | _NO_LINK, dir_fd=opened[-1]))
            return action(last, opened[-1])
        finally:
            for number in opened[1:]:
                os.close(number)

    def _open_again(self, path: Path) -> None:
        """Open what stands at `path`, if it is the same directory, or stands for it."""
        found = OpenDirectory(path, follow=self._follow, keep=True)
        if found._identity != self._identity and not self.stands_for(found):
            raise OSError(_STALE, "another directory stands there", str(path))
        self.close()
        self._number, self._identity = found._number, found._identity
        found._number = -1

    def _valid(self) -> os.stat_result | None:
        """Return what is known of the directory, if the descriptor is still ours."""
        try:
            found = os.fstat(self._number)
        except OSError:
            return None
        return found if (found.st_dev, found.st_ino) == self._identity else None

    def _there(self) -> bool:
        """Return whether the descriptor is still ours, and the directory not removed."""
        try:
            found = os.fstat(self._number)
        except OSError as error:
            # A file server that is away says nothing of a descriptor; closed, it is not ours.
            return error.errno != errno.EBADF
        return (found.st_dev, found.st_ino) == self._identity and found.st_nlink > 0

    def _stands_at(self, path: Path) -> bool:
        try:
            found = os.stat(path, follow_symlinks=self._follow)
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == self._identity

    def _told_path(self) -> Path | None:
        """Ask the system where the directory is."""
        if not self._valid():
            return None
        try:
            if sys.platform == "darwin":
                import fcntl

                answer = fcntl.fcntl(self._number, fcntl.F_GETPATH, bytes(1024))
                return Path(os.fsdecode(answer.rstrip(b"\0")))
            return Path(os.readlink(f"/proc/self/fd/{self._number}"))
        except OSError:  # another system, or no /proc
            return None


class opened:  # noqa: N801  # read as a word of the `with` statement
    """Open a directory for the block; one that is open is used, and stays open.

    Parameters
    ----------
    directory : path-like or OpenDirectory
        The directory.
    """

    __slots__ = ("_given", "_open")

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self._given = directory if isinstance(directory, OpenDirectory) else None
        self._open = self._given or OpenDirectory(Path(directory))

    def __enter__(self) -> OpenDirectory:
        return self._open

    def __exit__(self, *exc: object) -> None:
        if self._given is None:
            self._open.close()


class LineFile:
    """A file of whole lines within a directory, held open for many of them.

    Parameters
    ----------
    directory : OpenDirectory
        The directory.
    name : str
        The name of the file in it, which is made if it is missing.

    Notes
    -----
    Each line is one write(2) to a descriptor with ``O_APPEND``, so that any number of processes may
    append to one file, and a line is on disk, whole, when `append` returns. As with the directory,
    device and inode of the descriptor are compared before each use.
    """

    __slots__ = ("_directory", "_identity", "_name", "_number", "_torn")

    def __init__(self, directory: OpenDirectory, name: str) -> None:
        self._directory = directory
        self._name = name
        self._number = -1
        self._identity = (-1, -1)
        self._torn = False

    def append(self, line: bytes) -> None:
        """Append a line.

        Raises
        ------
        OSError
            It can't be written whole.
        """
        if not self._is_open():
            self._open()
        data = b"\n" + line + b"\n" if self._torn else line + b"\n"
        self._torn = True  # unless all of it is written
        write_all(self._number, data)
        self._torn = False

    def close(self) -> None:
        """Close it; may be called twice."""
        if self._is_open():
            os.close(self._number)
        self._number = -1

    def _is_open(self) -> bool:
        try:
            found = os.fstat(self._number)
        except (OSError, OverflowError):
            return False
        return (found.st_dev, found.st_ino) == self._identity

    def _open(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        number = self._directory.open(self._name, flags)
        self._number = _raised(number) if _RELATIVE else number
        found = os.fstat(self._number)
        self._identity = (found.st_dev, found.st_ino)


def write_atomic(path: Path, data: bytes) -> None:
    """Replace the file `path` by `data`. Readers see the old file or the new one, never a part.

    The data are written to a temporary file in the same directory, synced, and renamed to `path`.
    Where that fails, the temporary file is removed and the old file stands.

    Raises
    ------
    OSError
        The directory is gone, full or read-only.
    """
    _replace(os.fspath(path), data, None)


def create_whole(path: Path, data: bytes) -> bool:
    """Write the file `path` whole, unless there is one; return whether there was none.

    Of several processes that do so at once, one succeeds.

    Raises
    ------
    OSError
        The directory is gone, full or read-only, or its file system has no hard links.
    """
    beside = path.with_name(f".{path.name}.{os.urandom(4).hex()}.tmp")
    try:
        with open(beside, "xb") as file:
            file.write(data)
        os.link(beside, path)
    except FileExistsError:
        return False
    finally:
        beside.unlink(missing_ok=True)
    return True


def remove_leftovers(path: Path) -> None:
    """Remove the temporary files that killed writers of `path` left behind."""
    beginning = f".{path.name}."
    for name in names_in(path.parent):
        if name.startswith(beginning) and name.endswith(".tmp"):
            try:
                os.unlink(path.with_name(name))
            except OSError:
                pass  # another process removed it, or the directory is read-only: no harm done


def names_in(folder: str | os.PathLike[str]) -> list[str]:
    """Return the names of what a folder holds; none if it is missing, or can't be listed."""
    try:
        return os.listdir(folder)
    except OSError:
        return []


def sync_folder(folder: str | os.PathLike[str]) -> None:
    """Let the names in a folder survive a power cut."""
    if os.name != "posix":  # elsewhere a directory can't be opened
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def append_line(path: Path, line: bytes) -> None:
    """Append `line` to the file `path` with one ``O_APPEND`` write.

    So lines of several processes stay whole. A newline stands on both sides: the one before keeps
    a line that a crash tore from spoiling this one, the one after tells a reader that this one is
    complete. Readers skip empty lines.

    Raises
    ------
    OSError
        The directory is gone, full or read-only, or the file is a link or no regular one.
    """
    _append(open_regular(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), line)


def open_regular(
    path: str | os.PathLike[str], flags: int = os.O_RDONLY, dir_fd: int | None = None
) -> int:
    """Open the file `path` if it is a regular one, and return its descriptor.

    Where others may write, they may put anything in the place of a file: a named pipe, at which
    whoever opens it waits for ever; a device that never ends; a link to a file of ours.

    Raises
    ------
    OSError
        There is no such file, it is a link, or it is not a regular one.
    """
    descriptor = os.open(path, flags | _WARY, 0o666, dir_fd=dir_fd)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "is no regular file", os.fspath(path))
    if hasattr(os, "O_NONBLOCK"):
        os.set_blocking(descriptor, True)  # programs that get it as their stdout may look
    return descriptor


def read_regular(path: str | os.PathLike[str], most: int, dir_fd: int | None = None) -> bytes:
    """Return the content of a regular file of at most `most` bytes.

    Raises
    ------
    OSError
        There is no such file, it is a link or no regular one, or it is larger.
    """
    with open(open_regular(path, dir_fd=dir_fd), "rb") as file:
        size = os.fstat(file.fileno()).st_size
        content = file.read(size + 1) if size <= most else b""
        if len(content) > size:  # it has grown meanwhile
            content += file.read(max(most - size, 0))
    if max(size, len(content)) > most:
        raise OSError(errno.EFBIG, f"is larger than {most} bytes", os.fspath(path))
    return content


def _replace(name: str, data: bytes, folder: int | None, *, sync: bool = True) -> None:
    """Write a file as `write_atomic` does; its name may be relative to a descriptor."""
    head, last = os.path.split(name)
    temporary = os.path.join(head, f".{last}.{os.getpid()}.{os.urandom(4).hex()}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY
    descriptor = os.open(temporary, flags, 0o666, dir_fd=folder)
    try:
        try:
            write_all(descriptor, data)
            if sync:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        try:
            os.unlink(temporary, dir_fd=folder)
        except OSError:
            pass  # the error that brought us here says more
        raise


def _append(descriptor: int, line: bytes) -> None:
    try:
        write_all(descriptor, b"\n" + line + b"\n")
    finally:
        os.close(descriptor)


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of `data`, in as many pieces as the system takes."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _raised(number: int) -> int:
    """Move a descriptor to a high number."""
    import fcntl  # not above: Windows has none

    for lowest in _LOWEST:
        try:
            moved = fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, lowest)
        except OSError:  # beyond the limit
            continue
        os.close(number)
        return moved
    return number
