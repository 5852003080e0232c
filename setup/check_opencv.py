"""Fails with one line that says what to install where OpenCV's wheel lacks a library of the system.

Run it with the Python that has the wheel. `--apt` prints the missing libraries' Debian packages instead, and does not
fail.

The wheel brings most of what it needs along, but not the libraries below (read with ldd off opencv-python 5.0.0.93).
The loader's own message names one at a time and no package, hence this script.
"""

import importlib.util
import subprocess
import sys
from pathlib import Path

# For each library its package in Debian and Ubuntu, and in Fedora and RHEL.
PACKAGES = {
    "libGL.so.1": ("libgl1", "libglvnd-glx"),
    "libglib-2.0.so.0": ("libglib2.0-0", "glib2"),
    "libgthread-2.0.so.0": ("libglib2.0-0", "glib2"),
    "libstdc++.so.6": ("libstdc++6", "libstdc++"),
    "libxcb.so.1": ("libxcb1", "libxcb"),
    "libz.so.1": ("zlib1g", "zlib"),
}


def missing_libraries() -> list[str]:
    """Name the libraries that the loader does not find for cv2's extension module, without importing it."""
    spec = importlib.util.find_spec("cv2")
    if spec is None or not spec.submodule_search_locations:
        sys.exit(f"error: opencv-python is not installed for {sys.executable}. Run 'make setup'.")
    modules = [str(path) for folder in spec.submodule_search_locations for path in Path(folder).glob("*.so")]
    listing = subprocess.run(["ldd", *modules], capture_output=True, text=True, check=False).stdout
    return sorted({line.split()[0] for line in listing.splitlines() if line.endswith("=> not found")})


def main() -> None:
    """Check, or with `--apt` list packages for a script."""
    missing = missing_libraries()
    if sys.argv[1:] == ["--apt"]:
        print(*sorted({PACKAGES[name][0] for name in missing if name in PACKAGES}))
        return
    if missing:
        known = [PACKAGES[name] for name in missing if name in PACKAGES]
        apt = " ".join(sorted({apt for apt, _ in known}))
        dnf = " ".join(sorted({dnf for _, dnf in known}))
        hint = f" Install: 'apt install {apt}' (Debian, Ubuntu) or 'dnf install {dnf}' (Fedora, RHEL)." if known else ""
        strange = [name for name in missing if name not in PACKAGES]
        if strange:
            hint += f" Which package has {', '.join(strange)} tells 'apt-file search' or 'dnf provides'."
        sys.exit(f"error: OpenCV needs {', '.join(missing)}, which this system does not have.{hint}")
    try:
        import cv2  # noqa: F401, PLC0415
    except ImportError as error:
        sys.exit(f"error: OpenCV ({sys.executable}) cannot be imported: {error}")


main()
