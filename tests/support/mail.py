"""A mail server on 127.0.0.1 that keeps what it gets."""

from __future__ import annotations

import email
import email.policy
from typing import TYPE_CHECKING, Any

from aiosmtpd.controller import Controller

from support.slurm import free_port

if TYPE_CHECKING:
    from email.message import EmailMessage
    from typing import Self


class MailServer:
    """The server, within a ``with`` block.

    Attributes
    ----------
    mails : list of EmailMessage
        What it got.
    """

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self._port = free_port()
        self._controller = Controller(self, hostname="127.0.0.1", port=self._port)

    async def handle_DATA(  # noqa: N802  # the name that aiosmtpd calls
        self, _server: Any, _session: Any, envelope: Any
    ) -> str:
        """Keep a mail."""
        self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 OK"

    @property
    def address(self) -> str:
        """Its Apprise URL."""
        return f"mailto://127.0.0.1:{self._port}?from=runs@example.org&to=lab@example.org"

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._controller.stop()
