#!/usr/bin/env bash
# Measures a release build: scripts/bench.sh [NAME], as `tapedeck bench [NAME]`.
source "$(dirname "$0")/lib.sh"

scripts/setup.sh
scripts/ui.sh
say 'Building with optimisation; cold, this takes long'
build_release
on_display "$CARGO_TARGET_DIR/release/tapedeck" bench "$@"
