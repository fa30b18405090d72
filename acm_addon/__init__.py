"""Watching AI-provider traffic, and everything that a recorded call needs."""

__version__ = "0.1.0"
