"""A JupyterLab, or plain files, of its own: for the browser tests and for benchmarks/apps_in_browser.py."""

import functools
import http.server
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import contextmanager

ROOT_OPTION = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
QUIET = {  # nothing that pops up or asks, and every cell drawn, also those out of sight
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
}


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *said):
        pass


@contextmanager
def files(folder):
    """Serve a folder's files, nothing else; give the address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@contextmanager
def nothing_wrong(page, address):
    """In the end nothing was wrong on the page, and no request had left the host."""
    wrong, asked = [], []
    page.on("console", lambda message: message.type in ("error", "warning") and wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    # a font that the next page leaves behind is aborted, and is no fault
    page.on("requestfailed", lambda request: request.failure != "net::ERR_ABORTED" and wrong.append(request.url))
    page.on("request", lambda request: asked.append(request.url))
    yield
    assert not wrong
    assert asked and not [url for url in asked if not url.startswith((address, "about:", "blob:", "data:", "file:"))]


@contextmanager
def jupyterlab(home, root, application="jupyterlab"):
    """Start it; give (address, folder that it serves). Settings, workspaces and logs stay in the folder `home`."""
    served = home / "served"
    served.mkdir()
    for name, settings in QUIET.items():
        path = home / "settings" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings))
    places = {"CONFIG_DIR": "config", "DATA_DIR": "data", "RUNTIME_DIR": "runtime"}
    env = os.environ | {f"JUPYTER_{key}": str(home / value) for key, value in places.items()}
    env |= {"JUPYTERLAB_SETTINGS_DIR": str(home / "settings"), "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces")}
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(root), env.get("PYTHONPATH")]))
    port = _free_port()
    options = ["--no-browser", f"--ServerApp.port={port}", "--ServerApp.port_retries=0", "--IdentityProvider.token="]
    command = [sys.executable, "-m", application, *options, *ROOT_OPTION, f"--ServerApp.root_dir={served}"]
    with open(home / "log", "w") as log, subprocess.Popen(command, env=env, stdout=log, stderr=log) as server:
        try:
            _wait_for(f"http://127.0.0.1:{port}/api", server, home / "log")
            yield f"http://127.0.0.1:{port}", served
        finally:
            server.terminate()


def _free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def _wait_for(address, server, log):
    for _ in range(120):
        try:
            return urllib.request.urlopen(address, timeout=5).close()
        except OSError:
            assert server.poll() is None, log.read_text()
            time.sleep(0.5)
    raise TimeoutError(f"JupyterLab did not answer in a minute.\n{log.read_text()}")
