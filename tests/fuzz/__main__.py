"""Fuzz every target, guided by coverage, for some seconds each: `python -m tests.fuzz --seconds 60 [target …]`.

A crash is written below .machi/fuzz/<target>/; a smaller form of it belongs into tests/fuzz/corpus/<target>/.
"""

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STATE = ROOT / ".machi" / "fuzz"
RSS_MEGABYTES = 2048
ONE_INPUT_SECONDS = 20


def main() -> int:
    """One process per target: libFuzzer owns the process it runs in."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("targets", nargs="*")
    given = parser.parse_args()
    if given.one:
        fuzz(given.targets[0], given.seconds)
    from tests.fuzz.targets import TARGETS  # noqa: PLC0415 (a target's process imports them instrumented)

    return max(watched(name, given.seconds) for name in given.targets or TARGETS)


def watched(name: str, seconds: int) -> int:
    """Run a target; its exit code, and in words how it ended."""
    (STATE / name).mkdir(parents=True, exist_ok=True)
    log = STATE / name / "log"
    command = [sys.executable, "-W", "ignore", "-m", "tests.fuzz", "--one", "--seconds", str(seconds), name]
    with log.open("w") as out:
        code = subprocess.run(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, check=False).returncode
    told = log.read_text(encoding="utf-8", errors="replace")
    runs = (line for line in reversed(told.splitlines()) if line.startswith("Done "))
    sys.stdout.write(
        f"{name}: {next(runs, 'no crash')}\n" if code == 0 else f"{told[-2000:]}{name}: CRASH, see {log}\n"
    )
    return code


def fuzz(name: str, seconds: int) -> None:
    """Never returns: ends with libFuzzer's exit code."""
    import atheris  # noqa: PLC0415 (only `make fuzz` installs it)

    with atheris.instrument_imports(
        include=["machi_sdk", "machi_channel_line", "machi_channel_slack", "machi_reports"]
    ):
        from tests.fuzz.targets import TARGETS, corpus  # noqa: PLC0415 (instrumented)
    folder = STATE / name
    (folder / "corpus").mkdir(parents=True, exist_ok=True)
    for number, (_, content) in enumerate(corpus(name)):
        (folder / "corpus" / f"seed-{number:03}").write_bytes(content)
    limits = [f"-max_total_time={seconds}", f"-rss_limit_mb={RSS_MEGABYTES}", f"-timeout={ONE_INPUT_SECONDS}"]
    others = ["-max_len=20000", "-print_final_stats=0", f"-artifact_prefix={folder}/"]
    atheris.Setup([name, *limits, *others, str(folder / "corpus")], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
