"""What tells this machine, in this boot, from every other that writes to the same registry."""

from __future__ import annotations

import os
import sys
from binascii import crc32  # hashlib loads all of OpenSSL

from ._mounts import on_network
from ._places import cache_dir
from ._process import boot_id, host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

# Interfaces that come and go with containers and tunnels, each time with another address.
_FLEETING = ("br-", "cali", "cni", "docker", "flannel", "lo", "tap", "tun", "veth", "virbr")

_known: dict[Path, tuple[int, str]] = {}


def writer_name(folder: Path) -> str:
    """Return the name under which this process writes to `folder`: its machine and boot.

    On Windows and on network file systems, where two appends may overwrite each other, it is the
    process's own.
    """
    pid, name = _known.get(folder, (0, ""))
    if pid != os.getpid():  # a forked child may need a name of its own
        pid, name = os.getpid(), _drawn(folder)
        _known[folder] = (pid, name)
    return name


def _drawn(folder: Path) -> str:
    machine = f"{host()}-{(boot_id() or 'noboot')[:8]}".replace(os.sep, "_")
    token = _token(machine)
    if token and sys.platform != "win32" and not on_network(folder):
        return f"{machine}-{token}"
    return f"{machine}-{token or 'own'}-{os.getpid()}-{os.urandom(4).hex()}"


def _token(machine: str) -> str:
    """Return what was drawn at random, once for this machine and boot; empty if it can't be kept.

    Machines that were cloned while they ran share their boot ID, machine ID and even the state of
    their random generators up to the clone. The token is kept under a name that the addresses of
    the network are part of, so that a clone with an address of its own draws its own.
    """
    path = cache_dir() / "machines" / f"{machine}-{_fingerprint():08x}.token"
    try:
        return _read(path) or _kept(path)
    except OSError:
        return ""


def _kept(path: Path) -> str:
    # Written beside and linked: of two that draw at once, both read what came first, whole.
    beside = path.with_name(f".{os.getpid()}.{os.urandom(4).hex()}.tmp")
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(beside, "xb") as file:
        file.write(os.urandom(4).hex().encode())
    try:
        os.link(beside, path)
    except FileExistsError:
        pass
    finally:
        os.unlink(beside)
    return _read(path)


def _read(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            token = os.fsdecode(file.read(16))
    except FileNotFoundError:
        return ""
    return token if token.isalnum() else ""


def _fingerprint() -> int:
    told = "\n".join((_line("/etc/machine-id"), *_addresses()))
    return crc32(told.encode("utf-8", "surrogateescape"))


def _addresses() -> list[str]:
    try:
        names = os.listdir("/sys/class/net")
    except OSError:
        return []
    lasting = sorted(name for name in names if not name.startswith(_FLEETING))
    return [_line(f"/sys/class/net/{name}/address") for name in lasting]


def _line(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return os.fsdecode(file.readline().strip())
    except OSError:
        return ""
