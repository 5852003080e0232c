#!/bin/bash
# The cases of docs/cameras.md on the kernel's own virtual cameras, in a guest machine: make test-v4l2.
#
#   tests/v4l2/guest.sh VIVID [SECONDS]     VIVID: a script that has `build`, and `run SCRIPT SECONDS`, which boots a
#                                           guest with vivid and runs a bash script in it; the guest's / is $VM/rootfs
#
# Needs root, for the guest's root file system, and what `VIVID build` installs. The guest's Python has OpenCV and NumPy;
# this package, as it is built in .venv, and pydantic are put beside them.
set -euo pipefail
vivid=${1:?usage: tests/v4l2/guest.sh VIVID [SECONDS]}
seconds=${2:-900}
here=$(cd "$(dirname "$0")/../.." && pwd)
export VM=${VM:-${TMPDIR:-/tmp}/billiards-video-vm}
export PIP=${PIP:-$here/.venv/bin/python -m pip}

[ -e "$VM/initrd.gz" ] || "$vivid" build
target=$VM/rootfs/opt/py
[ -d "$target/pydantic" ] || $PIP install -q --target "$target" --python-version 3.11 --only-binary=:all: 'pydantic>=2.10,<3'
rm -rf "$target/billiards_video"
cp -r "$here/python/billiards_video" "$target/"
cp "$here/tests/v4l2/in_guest.py" "$VM/rootfs/opt/in_guest.py"

script=$(mktemp)
trap 'rm -f "$script"' EXIT
echo 'python3 -W error /opt/in_guest.py' > "$script"
"$vivid" run "$script" "$seconds" | tee "$VM/results.txt"
grep -q '^ALL PASSED' "$VM/results.txt"
