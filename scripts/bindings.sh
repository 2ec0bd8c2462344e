#!/usr/bin/env bash
# Writes ui/src/bindings/bindings.ts from the Rust types, or with --check says whether the committed one is fresh.
source "$(dirname "$0")/lib.sh"

bindings=ui/src/bindings/bindings.ts
if [[ "${1:-}" == --check ]]; then
    fresh=$(mktemp)
    trap 'rm -f "$fresh"' EXIT
    "$TAPEDECK_DESKTOP" --export-bindings "$fresh"
    diff -u --label 'committed' --label 'from the Rust types' "$bindings" "$fresh" ||
        die "$bindings is not fresh. Run \`make bindings\` and commit it."
    exit 0
fi

scripts/setup.sh
# The program embeds ui/dist, which may not exist yet; any page will do for writing types.
if [[ ! -f ui/dist/index.html ]]; then
    mkdir -p ui/dist && printf '<!doctype html>\n' >ui/dist/index.html
fi
build_programs
"$TAPEDECK_DESKTOP" --export-bindings "$bindings"
