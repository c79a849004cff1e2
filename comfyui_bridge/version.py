"""The version, where packaging, the page and the server can read it without importing anything else."""

__version__ = "0.1.0"
