"""Makes contact sheets of the printed documents: every page as an image, to be looked at."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pypdfium2
from PIL import Image

from build_pdf import pdf_folder

COLUMNS, ROWS = 4, 2
PIXELS_A_POINT = 0.8
"""So that the smallest text of a page can just be read."""
GAP_PX = 8
SURROUND = "#8a8f98"


def sheets(file: Path) -> Iterator[Image.Image]:
    """Yield the contact sheets of a document.

    Args:
        file: the PDF file.
    """
    document = pypdfium2.PdfDocument(file)
    pages = [document[number].render(scale=PIXELS_A_POINT).to_pil() for number in range(len(document))]
    width, height = (max(getattr(page, side) for page in pages) + GAP_PX for side in ("width", "height"))
    for start in range(0, len(pages), COLUMNS * ROWS):
        sheet = Image.new("RGB", (COLUMNS * width + GAP_PX, ROWS * height + GAP_PX), SURROUND)
        for place, page in enumerate(pages[start : start + COLUMNS * ROWS]):
            row, column = divmod(place, COLUMNS)
            sheet.paste(page, (column * width + GAP_PX, row * height + GAP_PX))
        yield sheet


def main() -> int:
    """Write the sheets of every document in `build/pdf`; 0 when there was one."""
    files = sorted(pdf_folder().glob("*.pdf"))
    if not files:
        print("Nothing is printed yet: make pdf, make brief.", file=sys.stderr)
        return 1
    folder = pdf_folder() / "sheet"
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    for file in files:
        for number, sheet in enumerate(sheets(file), 1):
            sheet.save(folder / f"{file.stem}-{number:03}.png")
    print(f"{len(list(folder.glob('*.png')))} sheets are in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
