"""Settings of the manual; its own Sphinx code is in tools/."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "tools"))

project = "EmProps Job Queue"
author = "EmProps"
language = "en"
source_suffix = {".md": "markdown"}
exclude_patterns = ["_records/**"]
templates_path = ["_templates"]
smartquotes = False
nitpicky = True
toc_object_entries = False

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_autodoc_typehints",
    "sphinx_copybutton",
    "sphinx_design",
    "manual",
    "pdf",
]

myst_enable_extensions = ["attrs_block", "attrs_inline", "colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3

napoleon_use_ivar = True
autodoc_use_legacy_class_based = True  # the new one parses docstrings of imported objects
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "show-inheritance": True, "exclude-members": "model_config"}
autodoc_preserve_defaults = True
typehints_use_rtype = False
always_document_param_types = True

copybutton_selector = "div:not(.highlight-output) > div.highlight > pre"

html_theme = "furo"
html_title = "EmProps Job Queue"
html_static_path = ["_static"]
html_show_sourcelink = False
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_theme_options: dict[str, list[str]] = {"top_of_page_buttons": []}
html_sidebars = {
    "**": ["sidebar/scroll-start.html", "sidebar/section.html", "sidebar/scroll-end.html"],
}

pdf_documents = {
    "manual": {
        "file": "emprops-job-queue-manual",
        "title": "EmProps Job Queue",
        "subtitle": "Technical manual",
        "audience": "engineering, operations, architecture and product",
        "index": True,
    },
    "brief": {
        "file": "leadership-brief",
        "title": "Leadership brief",
        "subtitle": "What the queue is, how it measures against its targets, and what changed",
        "audience": "architecture, leadership and product",
        "summary": True,
        "left_out": ["pdf"],  # benchmarks that the summary does not show
        "before": "",  # revision of the brief before; empty: this is the first
        "pages": [
            "system-overview/index",
            "architecture/index",
            "development/architecture-decisions/redis-choice",
        ],
    },
}
