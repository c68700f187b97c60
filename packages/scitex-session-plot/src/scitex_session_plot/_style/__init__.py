"""The style: its rcParams, how it is applied and restored, sizes in millimetres, and `plt`."""
