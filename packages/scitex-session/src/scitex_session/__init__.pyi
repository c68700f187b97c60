import matplotlib.pyplot  # noqa: ICN001

import scitex_session_io
from scitex_session_core import ArchiveError as ArchiveError
from scitex_session_core import DotDict as DotDict
from scitex_session_core import NotResumableError as NotResumableError
from scitex_session_core import RunKeptError as RunKeptError
from scitex_session_core import SessionError as SessionError
from scitex_session_core import SessionManager as SessionManager
from scitex_session_core import __version__ as __version__
from scitex_session_core import reindex as reindex
from scitex_session_plot import CustomColors as CustomColors
from scitex_session_repro import RandomStateManager as RandomStateManager

from ._by_hand import Session as Session
from ._by_hand import close as close
from ._by_hand import running2finished as running2finished
from ._by_hand import start as start
from ._cluster.stopping import stopping as stopping
from ._command.archive import archive as archive
from ._command.diff import diff as diff
from ._command.doctor import doctor as doctor
from ._command.find import find as find
from ._command.find import runs as runs
from ._command.logs import logs as logs
from ._command.metrics import metrics as metrics
from ._command.reap import reap as reap
from ._command.remove import gc as gc
from ._command.remove import remove as remove
from ._command.remove import restore as restore
from ._command.show import record as record
from ._command.stop import stop as stop
from ._command.tags import note as note
from ._command.tags import path as path
from ._command.tags import tag as tag
from ._command.tags import untag as untag
from ._command.whence import whence as whence
from ._decorator import run as run
from ._decorator import session as session
from ._errors import AmbiguousRunError as AmbiguousRunError
from ._errors import ConfigFileError as ConfigFileError
from ._errors import NestedSessionError as NestedSessionError
from ._errors import NoSessionError as NoSessionError
from ._errors import QueryError as QueryError
from ._errors import ReadOnlyKeyError as ReadOnlyKeyError
from ._errors import UnknownOptionError as UnknownOptionError
from ._errors import UnknownRunError as UnknownRunError
from ._errors import UnstoppableRunError as UnstoppableRunError
from ._errors import UnsuitableFunctionError as UnsuitableFunctionError
from ._errors import UsageError as UsageError
from ._lifecycle.metrics import log as log
from ._lifecycle.progress import progress as progress
from ._names.injection import COLORS as COLORS
from ._names.injection import CONFIG as CONFIG
from ._names.injection import INJECTED as INJECTED
from ._names.injection import checkpoint_dir as checkpoint_dir
from ._names.injection import logger as logger
from ._names.injection import resumed as resumed
from ._names.injection import rngg as rngg

io = scitex_session_io
plt = matplotlib.pyplot
