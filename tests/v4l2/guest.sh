#!/bin/bash
# The cases of docs/cameras.md on the kernel's own virtual cameras, in a guest machine: make test-v4l2.
#
#   tests/v4l2/guest.sh VIVID [CASE...]     VIVID: a script that has `build`, and `run SCRIPT SECONDS`, which boots a
#                                           guest with vivid and v4l2loopback and runs a bash script in it; the guest's
#                                           / is $VM/rootfs. CASE: some of the cases, by name; otherwise all
#
# Needs root, for the guest's root file system, and what `VIVID build` installs. The guest's Python has OpenCV and NumPy;
# this package, as it is built in .venv, and pydantic are put beside them.
set -euo pipefail
vivid=${1:?usage: tests/v4l2/guest.sh VIVID [CASE...]}
shift
here=$(cd "$(dirname "$0")/../.." && pwd)
export VM=${VM:-${TMPDIR:-/tmp}/billiards-video-vm}
export PIP=${PIP:-$here/.venv/bin/python -m pip}

[ -e "$VM/initrd.gz" ] || "$vivid" build
target=$VM/rootfs/opt/py
[ -d "$target/pydantic" ] || $PIP install -q --target "$target" --python-version 3.11 --only-binary=:all: 'pydantic>=2.10,<3'
rm -rf "$target/billiards_video"
cp -r "$here/python/billiards_video" "$target/"
rm -rf "$VM/rootfs/opt/tests"
mkdir -p "$VM/rootfs/opt/tests/v4l2"
cp "$here"/tests/v4l2/*.py "$VM/rootfs/opt/tests/v4l2/"
cp "$here/tests/capture_process.py" "$VM/rootfs/opt/tests/"

script=$(mktemp)
trap 'rm -f "$script"' EXIT
echo "cd /opt/tests && python3 -W error -m v4l2.in_guest $*" > "$script"
"$vivid" run "$script" 900 | tee "$VM/results.txt"
grep -q '^ALL PASSED' "$VM/results.txt"
