"""A figure saved in the style has the size in millimetres and the resolution asked for."""

import struct
from pathlib import Path

from scitex_session_plot import COLORS, Style

with Style(fig_size_mm=(80, 50), dpi_save=254, agg=True) as style:
    figure, axes = style.plt.subplots()
    axes.plot([1, 2, 4], color=COLORS.blue)
    figure.savefig("figure.png")
size = struct.unpack(">II", Path("figure.png").read_bytes()[16:24])
assert size == (800, 500), size
print(f"80 x 50 mm at 254 dpi is {size[0]} x {size[1]} pixels")
