"""The sizes of paper that the manual can be printed on."""

from __future__ import annotations

from dataclasses import dataclass

MARGIN_PT = 25 / 25.4 * 72
"""Margin at both sides, as in template.typ, in points."""
HEAD_PT = (28 + 25) / 25.4 * 72
"""Margins at the top and at the bottom together, as in template.typ, in points."""


@dataclass(frozen=True, slots=True)
class Paper:
    """A size of paper, upright.

    Attributes:
        name: as Typst calls it.
        shown: as people call it.
        width: in points.
        height: in points.
    """

    name: str
    shown: str
    width: float
    height: float

    def room(self, *, landscape: bool = False) -> tuple[float, float]:
        """Return how wide and how high what stands between the margins can be, in points.

        Args:
            landscape: whether the page lies on its side.
        """
        width, height = (self.height, self.width) if landscape else (self.width, self.height)
        return width - 2 * MARGIN_PT, height - HEAD_PT


PAPERS = {
    "a4": Paper("a4", "A4", 210 / 25.4 * 72, 297 / 25.4 * 72),
    "us-letter": Paper("us-letter", "US Letter", 8.5 * 72, 11 * 72),
}
"""Every size by its name."""
