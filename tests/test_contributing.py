"""The examples of CONTRIBUTING.md run, one after the other, in an empty folder."""

import re


def test_every_example_runs(root, tmp_path, monkeypatch):
    text = (root / "CONTRIBUTING.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    kinds = re.findall(r"^### (.*?):", text, re.MULTILINE)
    assert len(kinds) == 7 and len(blocks) >= len(kinds)
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "examples"}
    for block in blocks:
        exec(block, names)
