"""`make fuzz MINUTES=10`: every target under atheris, coverage-guided, for an equal share of the minutes.

Each runs in a process of its own. What it learns, and the input of a crash, stay in .huxin-fuzz/<target>; exit code 1
when any target found one. With `--target NAME FILE…` it runs inputs again.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(".huxin-fuzz")


def main() -> int:
    """Runs all targets, or one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--only", default="", help="targets, with commas between them")
    parser.add_argument("--target", help=argparse.SUPPRESS)
    asked, rest = parser.parse_known_args()
    if asked.target:
        return _under_atheris(asked.target, rest)
    from fuzz_targets import TARGETS, seeds

    names = asked.only.split(",") if asked.only else list(TARGETS)
    seconds = max(1, round(asked.minutes * 60 / len(names)))
    bad = []
    for name in names:
        corpus = ROOT / name / "corpus"
        corpus.mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(seeds(name)):
            (corpus / f"seed-{number}").write_bytes(seed)
        print(f"\n{name}: {seconds} s", flush=True)
        options = [f"-max_total_time={seconds}", "-timeout=20", "-max_len=70000", "-print_final_stats=1"]
        command = [sys.executable, __file__, "--target", name, str(corpus), *options]
        if subprocess.run([*command, f"-artifact_prefix={ROOT / name}/"], check=False).returncode:
            bad.append(name)
    print(
        f"\n{len(names)} targets, {seconds} s each: "
        + (f"FOUND in {', '.join(bad)}" if bad else "nothing found")
    )
    return int(bool(bad))


def _under_atheris(name: str, rest: list[str]) -> int:
    import atheris

    with atheris.instrument_imports(include=["huxin_privacy"]):
        from fuzz_targets import TARGETS
    atheris.Setup([sys.argv[0], *rest], TARGETS[name])
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
