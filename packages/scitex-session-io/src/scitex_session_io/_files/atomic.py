"""Replace a file, or a directory, so that the old or the new one is there, complete."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import pathlib
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

# Of a name in bytes, so that the temporary name fits into the 255 that a file system takes.
_LONGEST_NAME = 200
_BINARY = getattr(os, "O_BINARY", 0)  # Windows would turn "\n" into "\r\n"
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2


@contextlib.contextmanager
def replaced_file(path: pathlib.Path) -> Iterator[BinaryIO]:
    """Give a file to write; it takes the place of `path` at the end of the ``with`` block.

    Parameters
    ----------
    path : Path
        The file; its directory is made if it is missing.

    Yields
    ------
    file
        Open for writing and reading, and seekable. If the block raises, no new file is left.

    Raises
    ------
    OSError
        The file can't be written.

    Notes
    -----
    On Linux the file has no name while it is written, and is synced before it gets one. So a
    process that is killed leaves nothing behind, but between two adjacent system calls where an old
    file is replaced. Elsewhere, and on file systems that know no such files (NFS), it has a hidden
    name beside the old one. Either is removed by the next `save` to this path.

    A symbolic link stays: the file it points to is replaced. Permissions are those of the old file,
    or of a new one under the umask.
    """
    path = pathlib.Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    number = _open_nameless(path.parent)
    temporary = None
    if number is None:
        number, temporary = _open_hidden(path)
    try:
        with os.fdopen(number, "w+b") as file:
            yield file
            file.flush()
            if path.exists():
                os.chmod(number if temporary is None else temporary, path.stat().st_mode & 0o7777)
            os.fsync(number)
            if temporary is None:
                if _link(number, path):
                    return
                temporary = _name_hidden(number, path)
            # While the file is open, its lock says that the hidden name is in use.
            if os.name == "nt":  # which has no such lock, and renames no open file
                file.close()
            os.replace(temporary, path)
    except BaseException as error:
        if isinstance(error, OSError) and error.errno and error.filename is None:
            error.filename = str(path)  # a full disk does not say where it is
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def replaced_directory(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Give an empty directory to fill; it takes the place of `path` at the end of the block.

    Raises
    ------
    OSError
        The directory can't be written.

    Notes
    -----
    On Linux the two directories are exchanged in one step. Elsewhere there is none at `path`
    between two renames.
    """
    path = pathlib.Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary, lock = _make_hidden_directory(path)
    placed = False
    try:
        yield temporary
        for folder, _, names in os.walk(temporary):
            for name in names:
                _sync(os.path.join(folder, name))
        _put_directory(temporary, path)
        placed = True
    finally:
        if not placed:  # else the name may be another save's by now
            _remove(temporary)
        if lock is not None:
            os.close(lock)


def _open_nameless(folder: pathlib.Path) -> int | None:
    """Open a new file without a name; None where that can't be, or it could get no name later."""
    if not hasattr(os, "O_TMPFILE") or not os.path.exists("/proc/self/fd"):
        return None
    try:
        number = os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o666)
    except OSError:  # what is wrong with the directory itself is said when the name is made
        return None
    _lock(number)
    return number


def _link(number: int, path: pathlib.Path) -> bool:
    """Give a file without a name this name; return False where it is taken, or that can't be."""
    try:
        # With a descriptor, which an absolute path leaves unused, Python follows the link in /proc.
        os.link(f"/proc/self/fd/{number}", path, src_dir_fd=number, follow_symlinks=True)
    except OSError:  # FileExistsError, or what a sandbox forbids
        return False
    return True


def _name_hidden(number: int, path: pathlib.Path) -> pathlib.Path:
    """Give a file without a name a temporary one, by copying it where it can get none."""
    import shutil

    for hidden in _hidden_names(path):
        if _link(number, hidden):
            return hidden
        if not os.path.lexists(hidden):
            break
    copy, hidden = _open_hidden(path)
    try:
        shutil.copymode(f"/proc/self/fd/{number}", hidden)
        with open(number, "rb", closefd=False) as source, open(copy, "wb", closefd=False) as to:
            source.seek(0)
            shutil.copyfileobj(source, to)
        os.fsync(copy)
        os.dup2(copy, number)  # with its lock
    finally:
        os.close(copy)
    return hidden


def _hidden_names(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Give temporary names for a file, without end; whoever is given one tries to make it."""
    name = os.fsencode(path.name)[:_LONGEST_NAME].decode("utf-8", "ignore")
    for count in itertools.count():
        hidden = path.with_name(f".{name}.{count}.scitex-session-tmp")
        yield hidden
        if _is_left(hidden):  # by a process that died
            yield hidden


def _open_hidden(path: pathlib.Path) -> tuple[int, pathlib.Path]:
    for hidden in _hidden_names(path):
        with contextlib.suppress(FileExistsError):
            number = os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_EXCL | _BINARY, 0o666)
            if _claim(number, hidden):
                return number, hidden
            os.close(number)
    raise AssertionError


def _make_hidden_directory(path: pathlib.Path) -> tuple[pathlib.Path, int | None]:
    for hidden in _hidden_names(path):
        try:
            hidden.mkdir()
        except FileExistsError:
            continue
        if os.name == "nt":  # which opens no directories
            return hidden, None
        with contextlib.suppress(FileNotFoundError):  # another save took it for left
            number = os.open(hidden, os.O_RDONLY)
            if _claim(number, hidden):
                return hidden, number
            os.close(number)
    raise AssertionError


def _claim(number: int, hidden: pathlib.Path) -> bool:
    """Lock what was just made; return False if another save took it for left in between."""
    try:
        _lock(number)
        return os.path.samestat(os.fstat(number), os.lstat(hidden))
    except (BlockingIOError, FileNotFoundError):
        return False


def _put_directory(temporary: pathlib.Path, path: pathlib.Path) -> None:
    """Rename a directory to a path; one that is there is removed."""
    while True:
        try:
            held = _hold(path)
        except FileNotFoundError:
            try:
                os.rename(temporary, path)
            except OSError as error:  # another save was quicker
                if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                    raise
                continue
            return
        try:
            if not _exchange(temporary, path):
                old = temporary.with_name(temporary.name + ".old")
                os.rename(path, old)
                os.rename(temporary, path)
                os.rename(old, temporary)
            _remove(temporary)  # which is the old one now
        finally:
            if held is not None:
                os.close(held)
        return


def _hold(folder: pathlib.Path) -> int | None:
    """Lock a directory that is to be replaced; wait for other saves that replace it.

    Under its temporary name it must not seem to be left by a dead process.
    """
    if os.name == "nt":  # which opens no directories
        folder.stat()
        return None
    import fcntl

    while True:
        number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            with contextlib.suppress(OSError):  # a file system without locks
                fcntl.flock(number, fcntl.LOCK_EX)
            if os.path.samestat(os.fstat(number), os.stat(folder)):
                return number
        except BaseException:
            os.close(number)
            raise
        os.close(number)


def _lock(number: int) -> bool:
    """Lock an open file for as long as it is open; return whether this system can.

    Raises
    ------
    BlockingIOError
        Another one holds the lock.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        return False
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:  # a file system without locks
        return False
    return True


def _is_left(hidden: pathlib.Path) -> bool:
    """Remove what a dead process left under a temporary name; return whether it is free now."""
    try:
        number = os.open(hidden, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | _BINARY)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        # A living owner may have renamed it meanwhile, and the name belong to another one.
        if not _lock(number) or not os.path.samestat(os.fstat(number), os.lstat(hidden)):
            return False
        _remove(hidden)
    except OSError:
        return False
    finally:
        os.close(number)
    return True


def _remove(path: pathlib.Path) -> None:
    if path.is_dir():
        import shutil

        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _exchange(one: pathlib.Path, other: pathlib.Path) -> bool:
    """Exchange two directories in one step; return whether this system can."""
    if sys.platform != "linux":
        return False
    import ctypes

    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:  # an old C library
        return False
    names = os.fsencode(one), os.fsencode(other)
    if rename(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in (errno.ENOSYS, errno.EINVAL, errno.EPERM):  # the file system can't, or a sandbox
        return False
    raise OSError(number, os.strerror(number), str(one), None, str(other))


def _sync(path: str) -> None:
    number = os.open(path, os.O_RDWR | _BINARY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
