"""A notebook run in a fresh kernel that reaches no other machine."""

import os
from pathlib import Path

from nbclient import NotebookClient

HERE = Path(__file__).resolve().parent
DEAD = "http://127.0.0.1:9"  # nobody listens there


def run(notebook, folder, record=None, timeout=300, **environment):
    """Run a notebook in place and return it; the first error raises CellExecutionError.

    Args: folder, where it runs; record, the folder for the record of answers, else `folder`; environment, variables
        added for the kernel.
    """
    proxies = {f"{scheme}_proxy": DEAD for scheme in ("http", "https", "all", "HTTP", "HTTPS", "ALL")}
    path = os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH")]))
    known = os.environ | proxies | {"PYTHONPATH": path, "ADVREG_EDU_PROGRESS": str(record or folder)} | environment
    resources = {"metadata": {"path": str(folder)}}
    return NotebookClient(notebook, timeout=timeout, kernel_name="python3", resources=resources).execute(env=known)
