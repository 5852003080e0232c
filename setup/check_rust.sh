#!/bin/sh
# Fails with one line that says what to install where Rust, a new enough one, or the linker it calls is missing.
set -eu

wanted=$(sed -n 's/^rust-version = "\([0-9.]*\)".*/\1/p' "$(dirname "$0")/../Cargo.toml")

if ! command -v cargo >/dev/null; then
    if [ -x "${HOME:-}/.cargo/bin/cargo" ]; then
        echo "error: Rust is installed in ~/.cargo/bin, which is not on PATH. Run '. \"\$HOME/.cargo/env\"', then make again." >&2
    else
        echo "error: Rust (cargo) was not found on PATH. Install Rust $wanted or later:" \
            "'curl --proto =https --tlsv1.2 -sSf https://sh.rustup.rs | sh' (https://rustup.rs), then open a new shell." >&2
    fi
    exit 1
fi

if ! found=$(rustc --version 2>&1); then
    echo "error: 'rustc --version' fails: $found. With rustup, 'rustup default stable' chooses a toolchain." >&2
    exit 1
fi
version=$(echo "$found" | cut -d ' ' -f 2 | cut -d - -f 1)
if [ "$(printf '%s\n' "$wanted" "$version" | sort -V | head -n 1)" != "$wanted" ]; then
    echo "error: Rust $version ($(command -v rustc)) is too old, $wanted or later is needed." \
        "Run 'rustup update stable', or install rustup from https://rustup.rs where Rust came from a distribution." >&2
    exit 1
fi

if ! command -v cc >/dev/null; then
    echo "error: cc, which Rust calls to link, was not found on PATH." \
        "Install a C compiler: 'apt install gcc libc6-dev' (Debian, Ubuntu) or 'dnf install gcc' (Fedora, RHEL)." >&2
    exit 1
fi
