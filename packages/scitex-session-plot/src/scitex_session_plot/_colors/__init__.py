"""Named colours, the cycle of a figure, and colormaps."""
