"""The frame reader in use; chosen here, and imported from here by everything else."""

from .python_reader import PythonFrameReader as FrameReader

__all__ = ["FrameReader"]
