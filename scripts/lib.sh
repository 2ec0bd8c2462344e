# shellcheck shell=bash
# What the scripts beside this one share. Sourced, never run. Leaves the shell in the project's root.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$HOME/.cache/tapedeck/target}"
# The names the tests know the two programs by.
export TAPEDECK_BIN="$CARGO_TARGET_DIR/debug/tapedeck"
export TAPEDECK_DESKTOP="$CARGO_TARGET_DIR/debug/tapedeck-desktop"
# And the folder of the command with a bug in it; see bug_programs in scripts/test.sh.
export TAPEDECK_BUGS="$CARGO_TARGET_DIR/bugs"

# The Python that holds other people's engines; see scripts/readers.sh.
export TAPEDECK_READERS="${TAPEDECK_READERS:-$HOME/.cache/tapedeck/readers/bin/python}"
# And the one that holds another backtester; see scripts/peers.sh.
export TAPEDECK_PEERS="${TAPEDECK_PEERS:-$HOME/.cache/tapedeck/peers/bin/python}"

# One selection of packages and features for run, bindings, clippy and test. Cargo unites features over what is selected, so
# another selection would build a third of the dependencies a second time.
# shellcheck disable=SC2034
selection=(--locked --workspace --features tapedeck-desktop/custom-protocol)

say() { printf '\n==> %s\n' "$*"; }

die() {
    printf '%s\n' "$@" >&2
    exit 2
}

has() { command -v "$1" >/dev/null 2>&1; }

has_display() { [[ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]]; }

# Where a desk can open: the display there is, or a virtual one.
on_display() {
    if has_display || ! has xvfb-run; then
        "$@"
    else
        xvfb-run -a -s '-screen 0 1600x1000x24' "$@"
    fi
}

# Both programs, debug. `--examples` (there are none) makes cargo count the tests' features in without building the tests.
build_programs() { cargo build "${selection[@]}" --bins --examples; }

build_release() {
    cargo build --locked --release -p tapedeck-core -p tapedeck-desktop --features tapedeck-desktop/custom-protocol --bins
}
