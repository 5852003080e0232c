#!/usr/bin/env bash
# Runs the code under a tool that sees what tests cannot: `setup/sanitize.sh miri|thread|address|fuzz [seconds per target]`.
# Quiet when all is well, but for one line with the figures; what is missing is named, with how to get it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tool=${1:-}
seconds=${2:-60}
unset RUSTFLAGS RUSTDOCFLAGS MIRIFLAGS

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

case $tool in
miri | thread | address | fuzz) ;;
*) fail "usage: setup/sanitize.sh miri|thread|address|fuzz [seconds per target]" ;;
esac

# Everything here needs a nightly toolchain, and names for it that only rustup understands.
command -v rustup >/dev/null || fail "$tool needs a nightly Rust beside the stable one, which takes rustup: https://rustup.rs"
cargo +nightly --version >/dev/null 2>&1 || fail "$tool needs a nightly Rust: 'rustup toolchain install nightly'"

need_component() {
    rustup component list --toolchain nightly --installed | grep -q "^$1" ||
        fail "$tool needs the component $1: 'rustup component add --toolchain nightly $1'"
}

host=$(rustc +nightly --version --verbose | sed -n 's/^host: //p')
target_dir=${CARGO_TARGET_DIR:-$PWD/target}/sanitize/$tool
export CARGO_TARGET_DIR=$target_dir
export CARGO_PROFILE_RELEASE_LTO=off # LLVM instruments each crate by itself
mkdir -p "$target_dir"
log=$target_dir/log
: >"$log"
begun=$SECONDS

# Runs something that should succeed in silence.
quietly() {
    "$@" >>"$log" 2>&1 || {
        tail -n 60 "$log" >&2
        fail "$tool: '$*' fails; all of it is in $log"
    }
}

# Runs something that the tool has to object to, by these words: a tool that is silent here is silent for no reason.
must_object() {
    local words=$1 said
    shift
    said=$("$@" 2>&1) && fail "$tool does not see a fault that was put there for it: '$*'"
    grep -q "$words" <<<"$said" || {
        printf '%s\n' "$said" | tail -n 60 >&2
        fail "$tool: '$*' fails, but not by '$words'"
    }
}

# The sum of the numbers before some words in the log.
total() {
    grep -oE "[0-9]+ $1" "$log" | awk '{ sum += $1 } END { print sum + 0 }'
}

summary() {
    printf '%s: %s, %d s\n' "$tool" "$*" $((SECONDS - begun))
}

races=(--package billiards-video-races)

run_miri() {
    need_component miri
    need_component rust-src
    quietly cargo +nightly miri setup
    must_object 'Data race detected' cargo +nightly miri test "${races[@]}" -- --ignored a_race
    # The usual rate of changes from thread to thread, none but those that a thread offers, and many.
    local rate
    for rate in '' -Zmiri-preemption-rate=0 -Zmiri-preemption-rate=0.2; do
        MIRIFLAGS="-Zmiri-many-seeds=0..8 $rate" quietly cargo +nightly miri test "${races[@]}" -- --nocapture
    done
    local runs
    runs=$(total passed)
    # Of the core's own tests, those that make no system calls: Miri knows no locks of open file descriptions, no shared
    # mappings of files and no owners of directories. It would take minutes to read the page of the layout, and does not
    # know the instructions that store past the caches.
    quietly cargo +nightly miri test --package billiards-video --lib -- geometry:: name:: state::
    summary "$runs runs of the stories, $(total 'frames read') frames read in them, $(($(total passed) - runs)) of the" \
        "core's own tests: no undefined behaviour"
}

run_thread() {
    need_component rust-src # std has to be instrumented too, or its locks are not seen
    export RUSTFLAGS=-Zsanitizer=thread
    local test=(cargo +nightly test -Zbuild-std --target "$host" --release "${races[@]}" -- --nocapture)
    must_object 'ThreadSanitizer: data race' "${test[@]}" --ignored a_race
    local round
    for round in 1 2 3; do
        quietly "${test[@]}"
    done
    summary "$round rounds, $(total 'frames published') frames published, $(total 'frames read') read: no data race"
}

run_address() {
    export RUSTFLAGS=-Zsanitizer=address
    # Some tests have a writer killed by its own truncation: that SIGBUS is to stay one. Reports go to files, since processes
    # are started by the tests that nobody else listens to.
    rm -f "$target_dir"/report.*
    export ASAN_OPTIONS=handle_sigbus=0:log_path=$target_dir/report
    local test=(cargo +nightly test --target "$host" --release --package billiards-video)
    must_object 'heap-buffer-overflow' env ASAN_OPTIONS= cargo +nightly test --target "$host" --release "${races[@]}" -- \
        --ignored an_overrun
    quietly "${test[@]}" --lib --test bus
    quietly "${test[@]}" --test soundness hostile:: -- --nocapture
    local report
    for report in "$target_dir"/report.*; do
        [ ! -e "$report" ] || fail "address: a process of the tests has a report: $report"
    done
    summary "$(total passed) tests and $(total 'random scripts') attacks: no report, no leak"
}

run_fuzz() {
    cargo +nightly fuzz --version >/dev/null 2>&1 || fail "fuzz needs cargo-fuzz: 'cargo install cargo-fuzz'"
    local place work attack
    place=$(mktemp -d /dev/shm/billiards_video-fuzz.XXXXXX)
    # shellcheck disable=SC2064 # the place as it is now
    trap "rm -rf '$place'" EXIT
    export BILLIARDS_VIDEO_FUZZ_PLACE=$place
    local figures=()
    for attack in attach live start; do
        work=$target_dir/$attack
        mkdir -p "$work/corpus" "$work/seeds" "$work/findings"
        "$(setup/find_python.sh)" setup/write_fuzz_seeds.py "$work/seeds"
        quietly cargo +nightly fuzz run --fuzz-dir rust/fuzz "$attack" "$work/corpus" "$work/seeds" -- \
            -max_total_time="$seconds" -max_len=512 -len_control=0 -timeout=30 -artifact_prefix="$work/findings/"
        figures+=("$attack $(sed -n 's/^Done \([0-9]*\) runs.*/\1/p' "$log" | tail -n 1) runs and \
$(grep -oE 'cov: [0-9]+' "$log" | tail -n 1 | cut -d ' ' -f 2) edges,")
    done
    summary "${figures[*]} no finding"
}

"run_$tool"
