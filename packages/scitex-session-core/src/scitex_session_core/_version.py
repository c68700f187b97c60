"""The one version literal: the other four packages read it when they are built."""

__version__ = "0.4.0"
