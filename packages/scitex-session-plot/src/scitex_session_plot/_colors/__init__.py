"""Named colours, the cycle of a figure, colormaps, and colours in PostScript."""
