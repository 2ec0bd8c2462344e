#!/usr/bin/env bash
# Measures a release build: scripts/bench.sh [NAME], as `tapedeck bench [NAME]`.
source "$(dirname "$0")/lib.sh"

scripts/setup.sh
scripts/ui.sh
case ${1:-tiers} in
tiers) scripts/readers.sh || say 'polars and DuckDB could not be installed: the tiers will be measured without their peers' ;;
esac
case ${1:-backtest} in
backtest | patterns) scripts/peers.sh || say 'NautilusTrader and faiss could not be installed: what they are held against will be measured without them' ;;
esac
say 'Building with optimisation; cold, this takes long'
build_release
on_display "$CARGO_TARGET_DIR/release/tapedeck" bench "$@"
