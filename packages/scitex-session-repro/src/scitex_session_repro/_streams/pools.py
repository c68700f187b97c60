"""Workers of pools of processes."""

from __future__ import annotations

from multiprocessing import current_process

from scitex_session_repro._errors import NotAWorkerError


def number_in_pool() -> str:
    """Return the number by which `multiprocessing` knows this worker, such as ``"3"``.

    It counts the processes that the parent has started, whether forked, spawned or started by
    loky. A worker of a worker has the numbers of both, such as ``"3:1"``.

    Raises
    ------
    NotAWorkerError
        In a main process.
    """
    identity = current_process()._identity
    if not identity:
        raise NotAWorkerError(
            "initialize_worker must run in a worker process: pass it as the initializer of a pool "
            "of processes"
        )
    return ":".join(map(str, identity))
