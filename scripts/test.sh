#!/usr/bin/env bash
# Everything CI asks: lints, fresh bindings, every test. Goes on after a failure, so that one run tells all of them.
#
#   scripts/test.sh          reduced counts for the long proofs
#   scripts/test.sh --soak   the full counts, one test at a time, and the three old bugs put back to be caught
#
# TAPEDECK_BUG_BUILDS=1: those three without --soak. It builds the core three times more.
source "$(dirname "$0")/lib.sh"

threads=()
if [[ "${1:-}" == --soak ]]; then
    export TAPEDECK_SOAK=1 TAPEDECK_BUG_BUILDS=1
    threads=(--test-threads=1)
fi

report="$CARGO_TARGET_DIR/test-report"
rm -rf "$report"
mkdir -p "$report"
export TAPEDECK_SKIPS="$report/skips"

# step NAME COMMAND…: runs it, notes its seconds and how it ended, and keeps what it said.
step() {
    local name=$1 started=$SECONDS ended=ok
    shift
    say "$name"
    "$@" 2>&1 | tee "$report/${name// /-}.log" || ended=failed
    printf '%s\t%s\t%s\n' "$((SECONDS - started))" "$ended" "$name" >>"$report/steps"
    [[ $ended == ok ]]
}

page_tests() {
    (cd ui && npx --no-install vitest run --reporter=default --reporter=json --outputFile.json="$report/vitest.json")
}

rust_tests() {
    local host runner
    host=$(rustc -vV | sed -n 's/^host: //p')
    runner="CARGO_TARGET_$(tr 'a-z-' 'A-Z_' <<<"$host")_RUNNER"
    env "$runner=$PWD/scripts/test-runner.sh" cargo test "${selection[@]}" --no-fail-fast -- "${threads[@]}"
}

# The command with each bug in it. Moved and not copied, so that no program of the usual name has one whatever comes next; the build after
# this puts that back. For `--examples` see build_programs.
bug_programs() {
    local bug
    mkdir -p "$TAPEDECK_BUGS"
    for bug in duplicate-delta folder-read job-rerun; do
        cargo build "${selection[@]}" --bin tapedeck --examples --features "tapedeck-core/bug-$bug" || return
        mv -f "$TAPEDECK_BIN" "$TAPEDECK_BUGS/tapedeck-$bug" || return
    done
}

failed=0
# Those of an earlier run are of earlier sources.
rm -rf "$TAPEDECK_BUGS"
step 'setup' scripts/setup.sh || { node scripts/summary.mjs "$report"; exit 1; }
# Without them their tests say that they are skipped.
step 'readers' scripts/readers.sh || true
step 'format' cargo fmt --all -- --check || failed=1
step 'page check' npm --prefix ui run --silent check || failed=1
step 'page tests' page_tests || failed=1
if [[ "${TAPEDECK_BUG_BUILDS:-}" == 1 ]]; then step 'three bugs' bug_programs || failed=1; fi
if step 'page build' scripts/ui.sh && step 'build' cargo build "${selection[@]}" --all-targets; then
    step 'bindings' scripts/bindings.sh --check || failed=1
    step 'clippy' cargo clippy "${selection[@]}" --all-targets -- -D warnings || failed=1
    step 'tests' rust_tests || failed=1
else
    failed=1
fi

node scripts/summary.mjs "$report" || failed=1
exit "$failed"
