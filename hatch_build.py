"""Add project URLs and absolute links to the package's metadata if the repository's address is known.

A package index shows the README without the repository, where relative links lead nowhere. GitHub Actions sets
`GITHUB_SERVER_URL` and `GITHUB_REPOSITORY`; elsewhere the links stay relative.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_LINK = re.compile(r'(?P<before>\]\(|srcset="|src=")(?![a-z]+:|#)(?P<target>[^)"\s]+)')
_PAGES = {"Documentation": "docs/index.md", "Changelog": "CHANGELOG.md"}


def absolute_links(text: str, repository: str, revision: str) -> str:
    """Return the Markdown ``text`` with links to files of ``repository``, a GitHub address, at ``revision``."""

    def link(found: re.Match[str]) -> str:
        kind = "blob" if found["before"] == "](" else "raw"  # an image needs the file itself
        return f"{found['before']}{repository}/{kind}/{revision}/{found['target']}"

    return _LINK.sub(link, text)


def repository_url() -> str:
    """Return the address of the repository on GitHub; empty outside of GitHub Actions."""
    server, name = os.environ.get("GITHUB_SERVER_URL", ""), os.environ.get("GITHUB_REPOSITORY", "")
    return f"{server}/{name}" if server and name else ""


class CustomMetadataHook(MetadataHookInterface):
    """Sets `readme` and `urls`."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Fill in the fields that pyproject.toml lists as dynamic."""
        text = Path(self.root, "README.md").read_text(encoding="utf-8")
        metadata["urls"] = {}
        if url := repository_url():
            text = absolute_links(text, url, f"v{metadata['version']}")
            pages = {name: f"{url}/blob/v{metadata['version']}/{path}" for name, path in _PAGES.items()}
            metadata["urls"] = {"Repository": url, "Issues": f"{url}/issues", **pages}
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
