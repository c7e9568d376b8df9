"""Put results into pages: ``python -m benchmarks.report RESULTS.json ... --write PAGE.md ...``

A page says where each part goes, and what was there before is replaced:

    <!-- results: targets -->
    <!-- end -->
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from .evidence import Measured, gather
from .plot import plot
from .results import Outcome, Results
from .sections import HEADLINES, SECTIONS, is_complete, picture_name

_PLACE = re.compile(
    r"(?P<begin>^<!-- results: (?P<name>[\w-]+) -->\n)(?:.*?\n)??(?P<end><!-- end -->$)",
    re.MULTILINE | re.DOTALL,
)


def render(page: str, measured: Sequence[Measured]) -> str:
    """The page with all of its parts.

    Raises:
        KeyError: It asks for a part that does not exist.
    """

    def part(place: re.Match[str]) -> str:
        content = SECTIONS[place["name"]](measured)
        between = f"\n{content}\n\n" if content else ""
        return f"{place['begin']}{between}{place['end']}"

    return _PLACE.sub(part, page)


def draw(measured: Sequence[Measured]) -> dict[str, str]:
    """A picture of the most important scenarios for each version of Python, by file name."""
    return {
        picture_name(each): plot(Results({}, each.versions, _headlines(each)))
        for each in measured
        if is_complete(each)
    }


def _headlines(measured: Measured) -> list[Outcome]:
    return [measured.outcomes[scenario] for scenario in HEADLINES if scenario in measured.outcomes]


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report")
    add = parser.add_argument
    add("results", nargs="+", type=Path, metavar="FILE", help="what --json wrote")
    add("--write", nargs="+", type=Path, default=[], metavar="PAGE", help="fill in these pages")
    add("--plot", type=Path, metavar="DIR", help="draw a picture for each Python in DIR")
    return parser.parse_args()


def main() -> None:
    options = parse_arguments()
    measured = gather(options.results)
    for page in options.write:
        page.write_text(render(page.read_text("utf-8"), measured), "utf-8")
    if options.plot:
        options.plot.mkdir(parents=True, exist_ok=True)
        for name, picture in draw(measured).items():
            (options.plot / name).write_text(picture, "utf-8")
    if not (options.write or options.plot):
        for name, section in SECTIONS.items():
            sys.stdout.write(f"## {name}\n\n{section(measured)}\n\n")


if __name__ == "__main__":
    main()
