from ._colors.colors import COLORS as COLORS
from ._colors.colors import Color as Color
from ._colors.colors import CustomColors as CustomColors
from ._errors import PlotError as PlotError
from ._errors import StyleTypeError as StyleTypeError
from ._errors import StyleValueError as StyleValueError
from ._errors import UnknownColorError as UnknownColorError
from ._errors import UnknownPresetError as UnknownPresetError
from ._stamp.read import Stamp as Stamp
from ._stamp.read import read_stamp as read_stamp
from ._stamp.read import read_stamps as read_stamps
from ._stamp.watch import watch_savefig as watch_savefig
from ._style.millimetres import figsize_mm as figsize_mm
from ._style.millimetres import subplots_mm as subplots_mm
from ._style.rc import rc_params as rc_params
from ._style.style import Style as Style
from ._style.style import plt as plt

__version__: str
