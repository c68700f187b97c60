from ._errors import CheckpointError as CheckpointError
from ._errors import DeviceUnavailableError as DeviceUnavailableError
from ._errors import InvalidTypeError as InvalidTypeError
from ._errors import InvalidValueError as InvalidValueError
from ._errors import ManagerReleasedError as ManagerReleasedError
from ._errors import MissingLibraryError as MissingLibraryError
from ._errors import NotAWorkerError as NotAWorkerError
from ._errors import NotFingerprintableError as NotFingerprintableError
from ._errors import ReproError as ReproError
from ._errors import StateError as StateError
from ._errors import VerificationError as VerificationError
from ._errors import VerificationRecordError as VerificationRecordError
from ._fingerprint.encoder import fingerprint as fingerprint
from ._report.report import report as report
from ._streams.current import get as get
from ._streams.current import reset as reset
from ._streams.current import seed_everything as seed_everything
from ._streams.manager import RandomStateManager as RandomStateManager
from ._streams.streams import found_rank as found_rank

__version__: str
