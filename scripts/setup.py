"""Install what the other make targets need: Debian's packages, the engine, and the tools for tests and lint.

Everything but Debian's packages goes to a folder outside the checkout (GEOSEG_HOME, by default
~/.local/share/geoseg) under a name that holds a hash of its requirements, so that clones share it and a second run
only looks. The checkout gets links to it in build/env (engine, engine-tests, qgis, lint), and one in build/src under
which it can be imported as the package `geoseg`.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REQUIREMENTS = ROOT / "requirements"
LINKS = ROOT / "build" / "env"
SOURCE = ROOT / "build" / "src"
QGIS_PYTHON = "/usr/bin/python3"

sys.path.insert(0, str(ROOT))
from geoseg_plugin.host.environment import engine_home


def main() -> int:
    """Install what is missing; return the exit code."""
    # Where 'Install engine' puts the engine: all clones of this user share it.
    home = engine_home()
    home.mkdir(parents=True, exist_ok=True)
    with (home / "setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        install_debian_packages()
        engine = install_engine()
        tests = home / "tests"
        environments = {
            "engine": engine,
            "engine-tests": make_environment(tests, "engine", engine / "bin" / "python", "test-engine.txt", engine),
            "qgis": make_environment(tests, "qgis", Path(QGIS_PYTHON), "test-qgis.txt"),
            "lint": make_environment(tests, "lint", engine / "bin" / "python", "lint.txt"),
        }
    for name, folder in environments.items():
        make_link(LINKS / name, folder)
    make_link(SOURCE / "geoseg", ROOT)
    return 0


def install_debian_packages() -> None:
    """Install the packages of requirements/debian.txt that are missing, as root or with sudo."""
    lines = (REQUIREMENTS / "debian.txt").read_text(encoding="utf-8").splitlines()
    wanted = [line for line in lines if line and not line.startswith("#")]
    missing = [name for name in wanted if not is_installed(name)]
    if not missing:
        return
    if shutil.which("apt-get") is None:
        sys.exit(f"Please install these first (this script does it on Debian and Ubuntu): {' '.join(missing)}")
    as_root = [] if os.geteuid() == 0 else ["sudo"]
    if as_root and shutil.which("sudo") is None:
        sys.exit(f"Please install these as root first: {' '.join(missing)}")
    say(f"Debian packages: {' '.join(missing)}")
    apt_get = [*as_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y"]
    run([*apt_get, "update"])
    run([*apt_get, "install", "--no-install-recommends", *missing])


def is_installed(package: str) -> bool:
    """Ask dpkg whether a package is there."""
    if shutil.which("dpkg-query") is None:
        return False
    query = ["dpkg-query", "--show", "--showformat=${db:Status-Status}", package]
    return subprocess.run(query, capture_output=True, text=True, check=False).stdout == "installed"


def install_engine() -> Path:
    """Install the engine as the algorithm 'Install engine' does; return its environment's folder.

    GEOSEG_PYTHON names the Python of an engine that is already there.
    """
    python = os.environ.get("GEOSEG_PYTHON")
    if not python:
        command = [sys.executable, str(ROOT / "geoseg_plugin"), "install-engine"]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, cwd=ROOT)
        if done.returncode:
            sys.exit(done.returncode)
        python = json.loads(done.stdout)["python"]
    return Path(python).absolute().parents[1]


def make_environment(home: Path, name: str, python: Path, requirements: str, below: "Path | None" = None) -> Path:
    """Make a virtual environment unless it is there already.

    Args:
        home: Where environments lie.
        name: What it is for; "qgis" also sees the packages of Debian's Python.
        python: The Python to build on.
        requirements: Name of the file of pinned packages.
        below: Another environment whose packages it sees too.

    Returns:
        Its folder.
    """
    text = (REQUIREMENTS / requirements).read_text(encoding="utf-8")
    key = hashlib.sha256(f"{python.resolve()} {below} {text}".encode()).hexdigest()[:12]
    folder = home / f"{name}-{key}"
    stamp = folder / "complete"
    if stamp.exists():
        return folder
    say(f"Environment {folder}")
    shutil.rmtree(folder, ignore_errors=True)
    run([str(python), "-m", "venv", *(["--system-site-packages"] if name == "qgis" else []), str(folder)])
    own = folder / "bin" / "python"
    run([str(own), "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", str(REQUIREMENTS / requirements)])
    if below is not None:
        (site_packages(own) / "below.pth").write_text(f"{site_packages(below / 'bin' / 'python')}\n", encoding="utf-8")
    stamp.touch()
    return folder


def site_packages(python: Path) -> Path:
    """Ask a Python where its packages lie."""
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    return Path(subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True).stdout.strip())


def make_link(link: Path, target: Path) -> None:
    """Make a link, in place of one that may be there."""
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(target)


def say(text: str) -> None:
    """Tell the user what takes its time."""
    print(f"setup: {text}", flush=True)


def run(command: list) -> None:
    """Run a command; leave with its exit code when it fails."""
    code = subprocess.run(command, check=False, cwd=ROOT).returncode
    if code:
        sys.exit(f"setup: this failed with exit code {code}: {' '.join(command)}")


if __name__ == "__main__":
    sys.exit(main())
