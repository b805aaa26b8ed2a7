"""How the documentation becomes a site: Sphinx reads the same Markdown that a code host shows. No page asks anything of another site."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pygments.lexers.shell import BashLexer

from registry_sync import __version__

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "registry-sync"
copyright = "its contributors"
version = release = __version__

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
root_doc = "index"
exclude_patterns = ["_build", "examples"]
nitpicky = True

myst_heading_anchors = 4
myst_url_schemes = ("http", "https", "mailto")

html_theme = "alabaster"
html_theme_options = {
    "description": "Trial records watched, and changes told",
    "fixed_sidebar": True,
    "page_width": "70rem",
    "sidebar_width": "15rem",
    "body_max_width": "50rem",
    "show_powered_by": False,
    "font_family": "system-ui, sans-serif",
    "head_font_family": "system-ui, sans-serif",
}
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False


def setup(app: Sphinx) -> None:
    """Crontabs are shown in the colours of a shell."""
    app.add_lexer("cron", BashLexer)
