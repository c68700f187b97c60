from ._capture.capture import Capture as Capture
from ._capture.capture import capture as capture
from ._capture.client import Companion as Companion
from ._capture.client import start_companion as start_companion
from ._capture.client import starting_companion as starting_companion
from ._errors import InvalidTypeError as InvalidTypeError
from ._errors import InvalidValueError as InvalidValueError
from ._errors import IoError as IoError
from ._errors import MalformedError as MalformedError
from ._errors import MissingFileError as MissingFileError
from ._errors import MissingLibraryError as MissingLibraryError
from ._errors import TooLargeError as TooLargeError
from ._errors import UnknownFormatError as UnknownFormatError
from ._errors import UnsafeFileError as UnsafeFileError
from ._errors import UnsavableError as UnsavableError
from ._errors import UsedCaptureError as UsedCaptureError
from ._files.formats import register_format as register_format
from ._files.load import load as load
from ._files.places import save_into as save_into
from ._files.save import save as save
from ._render.render import render as render

__version__: str
