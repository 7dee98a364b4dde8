"""A notebook."""

from __future__ import annotations

import json


def notebook(*cells: str, language: str = "python") -> str:
    code = [{"cell_type": "code", "source": cell.splitlines(keepends=True)} for cell in cells]
    return json.dumps({"cells": code, "metadata": {"kernelspec": {"language": language}}, "nbformat": 4}, indent=1)
