#!/usr/bin/env bash
# Makes target/rivals: the environment of what bench compares with, and of its plots. Nothing in it is the project's.
#
# GStreamer comes from the system, whose Python bindings only the system's own Python can load: that one is the base if
# it has them. What cannot be installed is left out, and the measurements then say "not measured", and why.
set -euo pipefail
cd "$(dirname "$0")/../.."

environment=target/rivals
wanted=(numpy matplotlib iceoryx2 eclipse-zenoh pyzmq)
base=.venv/bin/python
options=()

if /usr/bin/python3 -c 'import sys, gi; assert sys.version_info >= (3, 11); gi.require_version("GstApp", "1.0")' 2>/dev/null
then
    base=/usr/bin/python3
    options=(--system-site-packages)
else
    echo "GStreamer will not be measured: on Debian and its kin, apt-get install python3-gst-1.0 gir1.2-gst-plugins-base-1.0" \
        "gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-bad, then remove $environment" >&2
fi

echo "making $environment with $base" >&2
"$base" -m venv --clear --without-pip "${options[@]}" "$environment"
for package in "${wanted[@]}"; do
    .venv/bin/python -m pip --python "$environment/bin/python" --quiet --disable-pip-version-check install "$package" ||
        echo "$package could not be installed: it will not be measured" >&2
done
touch "$environment/complete"
