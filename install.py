"""Install the course into a virtual environment: python install.py [.venv]   (`make lab` and `make test` call this)

Environment:
    TORCH=cpu|cuda   on Linux; without it, cuda where an NVIDIA GPU is seen, else cpu: 3 GB less to download
    PIP_ARGS         arguments for pip or uv, in place of the choice of torch
    INSTALLER=pip    also where uv is on the PATH

The whole output of pip or uv is in install.log, in the environment.
"""

import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
CPU_BUILDS = "https://download.pytorch.org/whl/cpu"
GPU_DEVICES = ("/dev/nvidiactl", "/dev/dxg")  # the driver's; /dev/dxg in WSL
NO_NETWORK = r"name resolution|Name or service not known|getaddrinfo|unreachable|dns error|NewConnectionError|timed out"


def main(folder=".venv"):
    if sys.version_info < (3, 11):  # noqa: UP036  (an older Python is told here)
        got = sys.version.split()[0]
        sys.exit(f"Expected Python 3.11 or newer, got: {got}. Name another one: make lab PYTHON=python3.12")
    started, environment = time.monotonic(), HERE / folder
    python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if subprocess.call([sys.executable, "-m", "venv", environment]):
        sys.exit("Python's venv module is incomplete. On Debian and Ubuntu: sudo apt-get install python3-venv")
    uv = shutil.which("uv") if os.environ.get("INSTALLER", "uv") == "uv" else None
    arguments = os.environ.get("PIP_ARGS", "").split() or torch_arguments(uv)
    installer = [uv, "pip", "install", "--python", python] if uv else [python, "-m", "pip", "install"]
    requirements = (HERE / "requirements.txt").read_text(encoding="utf-8")
    total = len(re.findall(r"^[\w-]+==", requirements, re.MULTILINE))
    print(f"Installing {total} packages with {'uv' if uv else 'pip'} into {folder}: some minutes the first time.")
    log = environment / "install.log"
    with log.open("w", encoding="utf-8") as lines:
        call([*installer, *arguments, "-r", HERE / "requirements.txt"], lines, total)
        call([*installer, "--no-deps", "--no-build-isolation", "-e", HERE], lines, 1)
    # without a question about news at the first start
    news = ["labextension", "disable", "--level=sys_prefix", "@jupyterlab/apputils-extension:announcements"]
    subprocess.run([python, "-m", "jupyter", *news], check=True, capture_output=True)
    print(f"Installed in {minutes(started)}.")


def torch_arguments(uv):
    """Which torch, said in one line: with CUDA only where there is a GPU for it."""
    if sys.platform != "linux":
        return []
    seen = [device for device in GPU_DEVICES if os.path.exists(device)]
    choice = os.environ.get("TORCH") or ("cuda" if seen else "cpu")
    if choice not in ("cpu", "cuda"):
        sys.exit(f"TORCH: expected cpu or cuda, got {choice}.")
    why = "TORCH says so" if os.environ.get("TORCH") else f"{seen[0]} is there" if seen else "no NVIDIA GPU is seen"
    if choice == "cuda":
        print(f"PyTorch with CUDA, 3 GB: {why}. (TORCH=cpu leaves it out.)")
        return []
    try:
        urllib.request.urlopen(CPU_BUILDS + "/torch/", timeout=10).close()
    except OSError:
        print(f"PyTorch as the package index has it: {why}, but the builds without CUDA cannot be reached.")
        return []
    print(f"PyTorch without CUDA: {why}. (TORCH=cuda takes it, 3 GB more.)")
    return ["--torch-backend", "cpu"] if uv else ["--extra-index-url", CPU_BUILDS]


def call(command, log, total):
    """Run pip or uv; count its packages on one line of the terminal; say in one sentence why it failed."""
    started, count, text = time.monotonic(), 0, ""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    for line in process.stdout:
        log.write(line)
        text = (text + line)[-100_000:]
        if found := re.match(r"(?:Collecting |Processing .*/)([\w.]+(?:-[A-Za-z][\w.]*)*)", line):
            count += 1
            show(f"{min(count, total)} of {total}, {minutes(started)}: {found[1]}")
        elif re.match(r"Installing collected|(Resolved|Prepared|Installed|Downloading) ", line):
            show(f"{minutes(started)}: {line.strip()[:60]}")
    show("")
    if process.wait():
        if re.search(NO_NETWORK, text):
            sys.exit("The installation needs a network the first time, and none answers. Try again where there is one.")
        print(text[-2000:])
        sys.exit(f"The installation did not finish; why is said above, and whole in {log.name}. It needs 4 GB of room.")


def show(line):
    if sys.stdout.isatty():
        print(f"\r\033[K{line}", end="", flush=True)


def minutes(started):
    seconds = round(time.monotonic() - started)
    return f"{seconds // 60} min {seconds % 60:02} s" if seconds >= 60 else f"{seconds} s"


if __name__ == "__main__":
    main(*sys.argv[1:])
