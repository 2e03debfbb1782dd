"""Compile the lock files anew: hashed, for every platform, without a word about where packages came from."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHAPE = ["--universal", "--generate-hashes", "--no-header", "--no-emit-index-url", "--no-annotate", "--no-config"]
LOCKS = [
    ("requirements/tests.in", "requirements.lock", []),
    ("requirements/images.in", "requirements/images.lock", ["-c", "requirements.lock"]),
    ("requirements/fuzz.in", "requirements/fuzz.lock", ["-c", "requirements.lock"]),
    ("requirements/node.in", "requirements/node.lock", []),
    ("requirements/bootstrap.in", "requirements/bootstrap.lock", []),
]


def main() -> None:
    """Compile each lock; versions already locked stay unless `--upgrade` is given."""
    uv = str(Path(sys.executable).with_name("uv"))
    for source, target, constraints in LOCKS:
        command = [uv, "pip", "compile", "--quiet", *SHAPE, "--python-version", "3.11", *constraints, *sys.argv[1:]]
        subprocess.run([*command, source, "-o", target], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
