#!/usr/bin/env bash
# Everything that judges the text of the project without running it. Wants ui/dist, which the desktop program embeds.
source "$(dirname "$0")/lib.sh"

cargo fmt --all -- --check
cargo clippy "${selection[@]}" --all-targets -- -D warnings
(cd ui && npm run --silent check)
# These two are not installed for you; where they are, they are asked.
if has shellcheck; then shellcheck -x scripts/*.sh .ci/run; fi
if has cargo-deny; then cargo deny --locked check; fi
