"""What a manager does with values: their fingerprints, recorded and compared."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike


class Verifying:
    """The part of a manager that looks at values; it loads what it needs at the first use."""

    if TYPE_CHECKING:

        @property
        def seed(self) -> int: ...

    # Where `verify` records. Whoever owns the manager (a session) may set it.
    verify_directory: str | PathLike[str] = "fingerprints"

    def fingerprint(self, obj: object) -> str:
        """Give the fingerprint of a value, as `scitex_session_repro.fingerprint` does."""
        from scitex_session_repro._fingerprint.encoder import fingerprint

        return fingerprint(obj)

    def verify(
        self,
        obj: object,
        name: str,
        verbose: bool = True,
        *,
        raises: bool | None = None,
        directory: str | PathLike[str] | None = None,
    ) -> bool:
        """Record a value the first time, and compare it with what was recorded from then on.

        Parameters
        ----------
        obj : object
            Anything that has a `fingerprint`.
        name : str
            What it is recorded under: any string.
        verbose : bool, default True
            Whether to print what was recorded or compared.
        raises : bool or None
            Whether a difference raises, or gives False. By default it raises unless `verbose` is
            False, as in scitex-repro.
        directory : path, optional
            Where the records are; by default `verify_directory`, which is ``fingerprints`` in the
            working directory unless the owner of the manager has set it. Arrays and tensors of at
            most 1 MiB are kept in it, to say what differs.

        Returns
        -------
        bool
            True if it was recorded now, or is the same; False if it differs.

        Raises
        ------
        VerificationError
            If it differs. It says in what: type, dtype, shape, the parts of a mapping or a frame,
            how many elements, the first of them, the largest difference.
        NotFingerprintableError, NestingError
            If it has no fingerprint.
        NameTypeError
            If the name is not a string.
        VerificationRecordError
            If what was recorded is damaged.

        Warns
        -----
        RuntimeWarning
            If it can't be recorded (the disk is full): the run goes on, and nothing is verified.
        """
        from scitex_session_repro._verify.check import verify

        return verify(
            self.verify_directory if directory is None else directory,
            obj,
            name,
            seed=self.seed,
            verbose=verbose,
            raises=verbose if raises is None else raises,
        )

    def clear_cache(
        self,
        patterns: str | Iterable[str] | None = None,
        *,
        directory: str | PathLike[str] | None = None,
    ) -> int:
        """Forget what `verify` has recorded.

        Parameters
        ----------
        patterns : str or iterable of str, optional
            Names, or glob patterns of names (``*``, ``?``, ``[a-z]``). All by default.
        directory : path, optional
            As for `verify`.

        Returns
        -------
        int
            How many were forgotten.

        Raises
        ------
        NameTypeError
            If a pattern is not a string.
        """
        from scitex_session_repro._verify.check import clear

        return clear(self.verify_directory if directory is None else directory, patterns)
