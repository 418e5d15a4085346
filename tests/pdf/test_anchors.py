"""A link leads to a place of the document, to none since its page is not in it, or stops the build."""

from __future__ import annotations

import pytest
from docutils import nodes

from pdf.anchors import Anchors, DanglingLink


@pytest.fixture
def anchors() -> Anchors:
    """The places of one page, whose section has two ids."""
    document = nodes.document(None, None)  # type: ignore[arg-type]  # nothing is reported
    document += nodes.section(
        "", nodes.title("", "Title"), nodes.paragraph("", "", ids=["spot"]), ids=["a", "b"]
    )
    found = Anchors()
    found.add("page", document)
    return found


def test_a_section_is_one_place_under_all_its_ids(anchors: Anchors) -> None:
    assert {anchors.label("page", uri) for uri in ("%page", "%page#a", "%page#b", "#b")} == {"page#a"}
    assert anchors.label("other", "%page#spot") == "page#spot"


def test_a_page_of_another_document_is_no_place(anchors: Anchors) -> None:
    assert anchors.label("page", "%elsewhere#spot") is None


def test_a_place_that_its_page_does_not_have_stops_the_build(anchors: Anchors) -> None:
    with pytest.raises(DanglingLink, match="page links to page#nowhere"):
        anchors.label("page", "#nowhere")
