#!/bin/sh
# Prints the Python that .venv is to be made from: the newest of the usual names that runs, is 3.11 or later and can make
# an environment. PYTHON=/path/to/python chooses another. A name that exists and does not run (a pyenv shim) is passed over.
set -eu

no_venv=
for python in ${PYTHON:-python3.14 python3.13 python3.12 python3.11 python3}; do
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
    if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        command -v "$python"
        exit 0
    fi
    no_venv=${no_venv:-$python}
done

if [ -n "$no_venv" ]; then
    version=$("$no_venv" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    echo "error: $(command -v "$no_venv") cannot make a virtual environment: its venv module is missing." \
        "Install it: 'apt install python$version-venv' (Debian, Ubuntu) or 'dnf install python3-pip' (Fedora, RHEL)." >&2
elif [ -n "${PYTHON:-}" ]; then
    echo "error: PYTHON=$PYTHON does not run, or is older than Python 3.11. Name another, or leave PYTHON unset." >&2
else
    echo "error: Python 3.11 or later was not found on PATH." \
        "Install it: 'apt install python3 python3-venv' (Debian 12, Ubuntu 24.04 and later) or 'dnf install python3.11'" \
        "(Fedora, RHEL), or name one with PYTHON=/path/to/python." >&2
fi
exit 1
