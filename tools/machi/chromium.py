"""See that the browser of the browser tests is there: install Debian's where we may, else say the cure."""

import os
import shutil
import subprocess
import sys

PACKAGES = ["chromium", "fonts-noto-cjk"]


def main() -> int:
    """0 when Chromium can be started."""
    if shutil.which("chromium"):
        return 0
    install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *PACKAGES]
    if os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "update", "-q"], install):
            if subprocess.run(command, env=quiet, check=False, stdout=subprocess.DEVNULL).returncode:
                break
        if shutil.which("chromium"):
            return 0
    sys.stderr.write("chromium is missing\n  cure: as root, " + " ".join(install) + "\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
