"""`python -m tests.cluster [--out FILE]`: verify the charts on the cluster of KUBECONFIG, in a namespace of its own."""

import argparse
import asyncio
import json
import secrets
import sys
import tempfile
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from tests.charts.binaries import program
from tests.cluster.kube import FailedError, Kube, missing_cluster, run
from tests.cluster.verify import Verification


def _versions(kube: Kube) -> list[str]:
    server = json.loads(run([program("kubectl"), "version", "--output", "json"], 20))["serverVersion"]["gitVersion"]
    nodes = [each["status"]["nodeInfo"] for each in kube.objects("nodes")]
    kinds = sorted({f"{node['containerRuntimeVersion']}, kernel {node['kernelVersion']}" for node in nodes})
    helm = run([program("helm"), "version", "--short"], 20).strip()
    return [f"Kubernetes {server}, {len(nodes)} node(s): {'; '.join(kinds)}", f"helm {helm}"]


def main() -> int:
    """Run, say, and write down; exit code 1 when anything was wrong, 0 also where there is no cluster."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="where to write what happened, as Markdown")
    out: Path | None = parser.parse_args().out
    reason = missing_cluster()
    if reason:
        sys.stdout.write(f"skipped: {reason}\n")
        return 0
    kube = Kube(f"machi-verify-{secrets.token_hex(2)}")
    with tempfile.TemporaryDirectory() as folder:
        verification = Verification(kube, Path(folder))
        began = datetime.now(UTC)
        with suppress(FailedError):  # it was said where it happened
            asyncio.run(verification.run())
    if out is not None:
        lines = [*_versions(kube), f"{began:%Y-%m-%d %H:%M} UTC, {datetime.now(UTC) - began}".partition(".")[0]]
        text = "\n".join([*(f"- {line}" for line in lines), "", "```", *verification.lines, "```", ""])
        out.write_text(
            f"# The charts on a cluster\n\n`make verify-cluster`, as it ran last.\n\n{text}", encoding="utf-8"
        )
    return 1 if verification.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
