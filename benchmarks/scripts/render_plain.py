"""Render 100 MB of a log that has no terminal codes."""

from scitex_session_io import render

piece = b"epoch 12, batch 3456: loss 0.012345, accuracy 0.98765\n" * 18_519
print(sum(map(len, render(piece for _ in range(100)))))
