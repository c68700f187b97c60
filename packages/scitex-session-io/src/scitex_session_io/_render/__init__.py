"""Rendering of a log as its terminal showed it in the end."""
