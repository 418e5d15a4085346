"""For each kind of node a page that has it, and what the printed page must say."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Case:
    """A kind of node.

    Attributes:
        kind: its class.
        source: a page that has it, without its title: MyST, or reStructuredText where MyST has no way to write it.
        says: what the page says, in this order.
        tag: an element of the structure that it must be; empty for none of its own.
        silent: what the page must not say.
        rst: whether the source is reStructuredText.
    """

    kind: str
    source: str
    says: tuple[str, ...] = ()
    tag: str = ""
    silent: str = ""
    rst: bool = False


def _admonition(kind: str) -> Case:
    return Case(kind, f":::{{{kind}}}\nMind this.\n:::", (kind.capitalize(), "Mind this."))


PYTHON = """
.. py:function:: small.fetch[T](name: str, *, count: int = 3, unit: Literal['ms', 3] = 'ms') -> list[T]
   :no-index:

   Fetch a *thing*.

   :param name: what to fetch
   :raises KeyError: if it is not there

.. py:function:: old(name[, count])
   :no-index:

.. py:attribute:: small.SIZE
   :value: 5
   :no-index:
"""

CASES = (
    Case("document", "Nothing else.", ("Nothing else.",), "Document"),
    Case("section", "## Inner\n\nText.\n\n### Deeper\n\nMore.", ("Inner", "Text.", "Deeper", "More."), "H3"),
    Case("title", "## With `code` and *stress*\n\nText.", ("With code and stress",), "H2"),
    Case("rubric", "```{rubric} Aside\n```\n\nText.", ("Aside", "Text.")),
    Case("transition", "Before.\n\n---\n\nAfter.", ("Before.", "After.")),
    Case("paragraph", "One.\n\nTwo.", ("One.", "Two."), "P"),
    Case(
        "Text",
        'Not *markup*: \\#let \\[x\\] \\$1\\$ \\\\ "quoted" @here 5 < 6.',
        ('#let [x] $1$ \\ "quoted" @here 5 < 6.',),
    ),
    Case("bullet_list", "- one\n- two\n\n  more\n\n  - inner", ("one", "two", "more", "inner"), "LI"),
    Case("enumerated_list", "3. three\n4. four", ("3.", "three", "4.", "four"), "LI"),
    Case("definition_list", "Word\n: What it means.", ("Word", "What it means.")),
    Case("definition", "Word\n: What it means.\n\n  And more.", ("What it means.", "And more.")),
    Case("term", "Word\n: What it means.", ("Word",)),
    Case("classifier", "word : kind\n   Meaning.", ("word : kind", "Meaning."), rst=True),
    Case(
        "glossary",
        "```{glossary}\nlease\n  A right for a time.\n```\n\nA {term}`lease`.",
        ("lease", "A right for a time.", "A lease."),
    ),
    Case("field_list", ":first: *one*\n:second: two", ("first", "one", "second", "two")),
    Case("block_quote", "> Said before.", ("Said before.",)),
    Case(
        "attribution",
        "Text.\n\n    Said before.\n\n    -- Somebody",
        ("Said before.", "– Somebody"),
        rst=True,
    ),
    Case("line_block", "| first line\n| second line", ("first line", "second line"), rst=True),
    Case("line", "| first line\n| second line", ("second line",), rst=True),
    Case("option_list", "--dry-run  Change nothing.", ("--dry-run", "Change nothing."), rst=True),
    Case("hlist", "```{hlist}\n- one\n- two\n```", ("one", "two")),
    Case("hlistcol", "```{hlist}\n- one\n- two\n```", ("two",)),
    Case("emphasis", "*Stress*.", ("Stress.",), "Em"),
    Case("title_reference", "`Book`", ("Book",), "Em", rst=True),
    Case("strong", "**Weight**.", ("Weight.",), "Strong"),
    Case(
        "literal",
        "Call `a_very_long.name_that.must_be.broken_somewhere`.",
        ("Call a_very_long.name_that.must_be.broken_somewhere.",),
        "Code",
    ),
    Case("literal_strong", PYTHON, ("name",), "Strong", rst=True),
    Case(
        "literal_emphasis", ".. py:function:: f(a)\n\n   :param Nowhere a: what", ("a (Nowhere)",), rst=True
    ),
    Case("inline", "[words]{.some-class}.", ("words.",)),
    Case("abbreviation", "{abbr}`UA (universal access)`.", ("UA.",)),
    Case("acronym", ":acronym:`TTL` is short.", ("TTL is short.",), rst=True),
    Case("manpage", "{manpage}`ls(1)`.", ("ls(1).",)),
    Case("subscript", "H{sub}`2`O", ("H", "2", "O")),
    Case("superscript", "2{sup}`8`", ("2", "8")),
    Case("target", "(there)=\nA place.\n\nBack to [it](#there).", ("A place.", "Back to it."), "Link"),
    Case(
        "reference",
        "See [another page](case-paragraph.md) and <https://example.org/a>.",
        ("See another page p.", "https://example.org/a"),
        "Link",
    ),
    Case(
        "footnote_reference",
        "Said[^1] twice[^1].\n\n[^1]: The proof.",
        ("Said", "twice", "The proof."),
        "Note",
    ),
    Case("footnote", "Said[^1].\n\n[^1]: The *proof*.", ("Said", "The proof.")),
    Case(
        "citation",
        "As in [Lamport78]_.\n\n.. [Lamport78] Time and clocks.",
        ("As in [Lamport78].", "Lamport78", "Time and clocks."),
        rst=True,
    ),
    Case("label", "As in [Gray78]_.\n\n.. [Gray78] Notes.", ("Gray78", "Notes."), rst=True),
    Case("compound", ".. compound::\n\n   One.\n\n   Two.", ("One.", "Two."), rst=True),
    Case("comment", "Shown.\n\n% hidden", ("Shown.",), silent="hidden"),
    Case("index", "```{index} single: word\n```\n\nText.", ("Text.",), silent="single"),
    Case(
        "substitution_definition",
        ".. |name| replace:: the value\n\nIt is |name|.",
        ("It is the value.",),
        rst=True,
    ),
    Case("compact_paragraph", "Below:\n\n```{toctree}\nleaf\n```", ("Below:", "Leaf")),
    Case(
        "tabular_col_spec",
        ".. tabularcolumns:: |l|l|\n\n+---+---+\n| a | b |\n+---+---+",
        ("a", "b"),
        rst=True,
    ),
    Case("meta", ".. meta::\n   :description: hidden\n\nText.", ("Text.",), silent="hidden", rst=True),
    Case(
        "raw",
        "- [x] done\n- [ ] open\n\n```{raw} html\n<b>hidden</b>\n```",
        ("☑", "done", "☐", "open"),
        silent="hidden",
    ),
    *(
        _admonition(kind)
        for kind in ("note", "tip", "hint", "important", "warning", "caution", "attention", "danger", "error")
    ),
    Case("seealso", ":::{seealso}\nThis.\n:::", ("See also", "This.")),
    Case(
        "admonition",
        ":::{admonition} A word\n:class: tip\nInner.\n\n:::{note}\nWithin.\n:::\n:::",
        ("A word", "Inner.", "Note", "Within."),
    ),
    Case("topic", "```{topic} About\nInner.\n```", ("About", "Inner.")),
    Case("sidebar", "```{sidebar} Beside\nInner.\n```\n\nText.", ("Beside", "Inner.", "Text.")),
    Case("versionmodified", "```{versionadded} 1.2\nIt is new.\n```", ("Added in version 1.2", "It is new.")),
    Case(
        "container",
        "::::{container} box\nInner.\n::::\n\n```{code-block} python\n:caption: file.py\nf(1)\n```",
        ("Inner.", "file.py", "f(1)"),
        "Code",
    ),
    Case(
        "grid_row",
        ":::::{grid} 2\n::::{grid-item-card} Door\n:link: case-paragraph\n:link-type: doc\nBehind it.\n::::\n"
        "::::{grid-item}\nPlain.\n::::\n:::::",
        ("Door", "Behind it.", "Plain."),
        "Link",
    ),
    Case("card", ":::{card} Title\nBody.\n:::", ("Title", "Body.")),
    Case(
        "tab_item",
        "::::{tab-set}\n:::{tab-item} First\nOne.\n:::\n:::{tab-item} Second\nTwo.\n:::\n::::",
        ("First", "One.", "Second", "Two."),
    ),
    Case("dropdown", ":::{dropdown} More\nFolded.\n:::", ("More", "Folded.")),
    Case(
        "PassthroughTextElement",
        ":::{card} Title\n:link: case-paragraph\n:link-type: doc\nBody.\n:::",
        ("Title", "Body."),
        "Link",
    ),
    Case("sd_badge", "{bdg}`new`", ("new",)),
    Case("fontawesome", "{fas}`spinner` Text.", ("Text.",)),
    Case("folded", "```{folded-source}\n```", ("Source of it", "return 1"), "Code"),
    Case(
        "table",
        "| Name | Time, ms |\n| --- | ---: |\n| first | 1 |\n| `second_name_that_is_long` | 22 |",
        ("Name", "Time, ms", "first", "1", "second_name_that_is_long", "22"),
        "TH",
    ),
    Case(
        "figure",
        "```{figure} picture.svg\n:alt: A box with a word\nWhat to *see*.\n```",
        ("Word", "What to see."),
        "Figure",
    ),
    Case(
        "legend",
        "```{figure} picture.svg\n:alt: A box with a word\nCaption.\n\nLegend.\n```",
        ("Caption.", "Legend."),
    ),
    Case("image", "```{image} picture.svg\n:alt: A box with a word\n```", ("Word",), "Figure"),
    Case(
        "literal_block",
        "```{code-block} python\n:linenos:\n\ndef f(a):\n    return a\n\nf(1)\n```",
        ("1def f(a):", "2    return a", "4f(1)"),
        "Code",
    ),
    Case("doctest_block", ">>> 1 + 1\n2", (">>> 1 + 1", "2"), "Code", rst=True),
    Case("desc", PYTHON, ("small.fetch", "Fetch a thing.", "small.SIZE"), rst=True),
    Case(
        "desc_signature",
        PYTHON,
        ("fetch[T](name: str, *, count: int = 3, unit: Literal['ms', 3] = 'ms') → list[T]",),
        rst=True,
    ),
    Case(
        "desc_content",
        PYTHON,
        ("Fetch a thing.", "Parameters", "what to fetch", "Raises", "if it is not there"),
        rst=True,
    ),
    *(
        Case(kind, PYTHON, says, rst=True)
        for kind, says in {
            "desc_addname": ("small.",),
            "desc_name": ("fetch",),
            "desc_annotation": ("= 5",),
            "desc_parameterlist": ("(name",),
            "desc_parameter": ("name: str",),
            "desc_type_parameter_list": ("[T]",),
            "desc_type_parameter": ("T",),
            "desc_optional": ("old(name[, count])",),
            "desc_returns": ("→ list[T]",),
            "desc_sig_name": ("name",),
            "desc_sig_space": ("count: int",),
            "desc_sig_operator": ("*",),
            "desc_sig_punctuation": (":",),
            "desc_sig_literal_number": ("3",),
            "desc_sig_literal_string": ("'ms'",),
        }.items()
    ),
    Case("desc_sig_keyword", ".. py:class:: Closed\n   :final:", ("final class Closed",), rst=True),
)
"""Every kind that has a method."""
