"""Where a figure was measured: without it a figure is a rumour."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from bench.child import ROOT

PACKAGES = ("billiards-video", "numpy", "opencv-python")


def processor() -> str:
    """Return the processor's own name."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return platform.machine()


def caches() -> str:
    """Return the sizes of the first processor's data caches as the kernel states them."""
    found = [
        f"L{(index / 'level').read_text().strip()} {(index / 'size').read_text().strip()}"
        for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*"))
        if (index / "type").read_text().strip() != "Instruction"
    ]
    return ", ".join(found) or "not stated"


def version_of(package: str) -> str:
    """Return an installed package's version."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def compiler() -> str:
    """Return the version of the Rust compiler that this tree is built by."""
    try:
        told = subprocess.run(["rustc", "--version"], cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "not installed"
    return told.stdout.strip() or "not stated"


def revision() -> str:
    """Return the commit this tree is at, and whether it has changes."""
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return told.stdout.strip() or "no commit"


def describe() -> dict[str, str]:
    """Return what must be known to read the figures."""
    facts = {
        "processor": f"{processor()}, {os.cpu_count()} processors",
        "caches": caches(),
        "kernel": f"{platform.system()} {platform.release()}",
        "C library": " ".join(platform.libc_ver()),
        "Python": sys.version.split()[0],
        "Rust": compiler(),
        "revision": revision(),
        "load before the run": " ".join(f"{load:.2f}" for load in os.getloadavg()),
    }
    return facts | {package: version_of(package) for package in PACKAGES}
