"""The extension; everything else is in pyproject.toml."""

from __future__ import annotations

import tomllib
from pathlib import Path

from setuptools import Extension, setup

project = tomllib.loads((Path(__file__).parent / "pyproject.toml").read_text())["project"]
version = f'"{project["version"]}"'
setup(
    ext_modules=[
        Extension(
            "socketio_asgi_speedups",
            ["socketio_asgi_speedups.c"],
            define_macros=[("VERSION", version)],
        )
    ]
)
