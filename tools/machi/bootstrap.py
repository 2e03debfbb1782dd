"""Make .venv hold exactly what the lock names, plus this repository's folders as editable installs.

Runs on the machine's own Python, before anything is installed, so: standard library only, and syntax
that an old Python can still read far enough to be told that it is too old.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys

OLDEST = (3, 11)
ROOM_NEEDED = 2 * 1024**3
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
UV = os.path.join(VENV, "bin", "uv")
LOCK = os.path.join(ROOT, "requirements.lock")
UV_LOCK = os.path.join(ROOT, "requirements", "bootstrap.lock")
DONE = os.path.join(VENV, ".machi-setup")
UNFINISHED = os.path.join(VENV, ".machi-setup-unfinished")
EDITABLES = (("libs",), ("protos", "gen"), ("services",), ("examples",), ("tools",))
INSTALLERS = {"pip", "setuptools", "uv", "wheel"}


def fail(what, cure):
    """Say what is wrong and the cure, one line each, and stop."""
    sys.stderr.write("setup: %s\n  cure: %s\n" % (what, cure))
    sys.exit(1)


def use_new_enough_python():
    """Go on under a Python that is new enough, looking beside the one that was called."""
    if sys.version_info >= OLDEST:
        return
    for name in ("python3.13", "python3.12", "python3.11", "python3.14"):
        path = shutil.which(name)
        if path:
            os.execv(path, [path] + sys.argv)
    have = "%d.%d" % sys.version_info[:2]
    fail(
        "Python %s is too old, 3.11 or newer is needed" % have, "install Python 3.11 (Debian: apt-get install python3)"
    )


def folders():
    """Folders of this repository that are installed editable, in a stable order."""
    found = []
    for parts in EDITABLES:
        parent = os.path.join(ROOT, *parts)
        for name in sorted(os.listdir(parent)) if os.path.isdir(parent) else []:
            if os.path.isfile(os.path.join(parent, name, "pyproject.toml")):
                found.append(os.path.join(parent, name))
    return found


def fingerprint():
    """One hash over everything that decides what is installed."""
    digest = hashlib.sha256(("%s %s" % (VENV, sys.version)).encode())
    for path in [LOCK, UV_LOCK, __file__] + [os.path.join(folder, "pyproject.toml") for folder in folders()]:
        with open(path, "rb") as file:
            digest.update(os.path.relpath(path, ROOT).encode() + b"\0" + file.read())
    return digest.hexdigest()


def is_done(key):
    """True when the last finished set-up installed just this."""
    try:
        with open(DONE) as file:
            return file.read() == key and os.path.exists(PYTHON)
    except OSError:
        return False


def run(command, cure):
    """Run one step; its own words are shown only by the step itself."""
    quiet = dict(
        os.environ, UV_HTTP_TIMEOUT="180", UV_NO_CONFIG="1", VIRTUAL_ENV=VENV, PIP_DISABLE_PIP_VERSION_CHECK="1"
    )
    if subprocess.call(command, env=quiet) != 0:
        fail("this step failed: " + " ".join(os.path.basename(part) for part in command[:4]), cure)


def make_venv():
    """Create the environment, or make it anew when it is broken or of another Python."""
    probe = "import sys, pip._internal.cli.main; sys.exit(sys.version_info[:2] != %r)" % (tuple(sys.version_info[:2]),)
    if os.path.exists(PYTHON) and subprocess.call([PYTHON, "-c", probe], stderr=subprocess.DEVNULL) == 0:
        return
    print("setup: making .venv")
    cure = "install Python's venv module (Debian: apt-get install python3-venv), then `make setup` again"
    run([sys.executable, "-m", "venv", "--clear", VENV], cure)


def install_uv():
    """Install the pinned installer by hash."""
    with open(UV_LOCK) as file:
        wanted = file.readline().split()[0].split("==")[1]
    if os.path.exists(UV) and wanted in subprocess.run([UV, "--version"], stdout=subprocess.PIPE).stdout.decode():
        return
    print("setup: installing uv " + wanted)
    pip = [PYTHON, "-m", "pip", "install", "--quiet", "--require-hashes", "--force-reinstall", "-r", UV_LOCK]
    run(pip, "check that the package index can be reached, then `make setup` again")


def install_lock(key):
    """Install what the lock names; after an interrupted install every file is laid anew."""
    again = ["--reinstall"] if os.path.exists(UNFINISHED) else []
    with open(UNFINISHED, "w") as file:
        file.write(key)
    print("setup: installing the locked packages")
    install = [UV, "pip", "install", "--quiet", "--python", PYTHON, "--require-hashes", "-r", LOCK]
    run(install + again, "check that the package index can be reached and the disk has room, then `make setup` again")
    remove_leftovers()
    os.remove(UNFINISHED)


def remove_leftovers():
    """Take out what an older lock named: a test must not pass because of it."""
    with open(LOCK) as file:
        named = {line.split("==")[0] for line in file if "==" in line}
    freeze = subprocess.run([UV, "pip", "freeze", "--python", PYTHON], stdout=subprocess.PIPE).stdout.decode()
    installed = {line.split("==")[0] for line in freeze.splitlines() if "==" in line}
    leftovers = sorted(installed - named - INSTALLERS)
    if leftovers:
        run(
            [UV, "pip", "uninstall", "--quiet", "--python", PYTHON] + leftovers, "remove .venv, then `make setup` again"
        )


def uninstall_gone_folders():
    """Uninstall editable folders that are not there any more."""
    command = [UV, "pip", "list", "--quiet", "--editable", "--format", "json", "--python", PYTHON]
    listed = json.loads(subprocess.run(command, stdout=subprocess.PIPE).stdout.decode() or "[]")
    there = [os.path.join(each["editable_project_location"], "pyproject.toml") for each in listed]
    gone = [each["name"] for each, path in zip(listed, there) if not os.path.isfile(path)]
    if gone:
        run([UV, "pip", "uninstall", "--quiet", "--python", PYTHON] + gone, "remove .venv, then `make setup` again")


def install_folders():
    """Install this repository's folders editable; name those that cannot be, but install the others."""
    uninstall_gone_folders()
    bad = []
    for folder in folders():
        install = [
            UV,
            "pip",
            "install",
            "--quiet",
            "--python",
            PYTHON,
            "--no-deps",
            "--no-build-isolation",
            "--offline",
        ]
        if subprocess.call(install + ["-e", folder], env=dict(os.environ, UV_NO_CONFIG="1")) != 0:
            bad.append(os.path.relpath(folder, ROOT))
    if bad:
        fail("cannot install " + ", ".join(bad), "mend its pyproject.toml (reason above), then `make setup` again")


def alone():
    """Hold the set-up lock: two set-ups at once would spoil each other's files."""
    import fcntl

    os.makedirs(os.path.join(ROOT, ".machi"), exist_ok=True)
    handle = open(os.path.join(ROOT, ".machi", "setup.lock"), "w")  # noqa: SIM115 (held until the process ends)
    fcntl.flock(handle, fcntl.LOCK_EX)
    return handle


def main():
    """Do only what is missing."""
    use_new_enough_python()
    if is_done(fingerprint()):
        return
    held = alone()
    key = fingerprint()
    if is_done(key):
        return
    if not os.path.exists(DONE) and shutil.disk_usage(ROOT).free < ROOM_NEEDED:
        fail("less than 2 GB of disk is free", "make room, then `make setup` again")
    make_venv()
    if os.path.exists(DONE):
        os.remove(DONE)
    install_uv()
    install_lock(key)
    install_folders()
    with open(DONE, "w") as file:
        file.write(key)
    print("setup: done")
    held.close()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        fail("interrupted", "`make setup` again goes on from here")
