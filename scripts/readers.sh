#!/usr/bin/env bash
# Other people's engines for the tests that read our tables with them: pyiceberg, DuckDB, pypaimon, in a venv of their own.
source "$(dirname "$0")/lib.sh"

venv=$(dirname "$(dirname "$TAPEDECK_READERS")")
wanted=$(sha256sum tests/readers/requirements.txt)
if [[ -f $venv/.tapedeck-lock && "$(cat "$venv/.tapedeck-lock")" == "$wanted" ]]; then exit 0; fi

say 'Installing pyiceberg, DuckDB and pypaimon for the tests'
rm -rf "$venv"
python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check --requirement tests/readers/requirements.txt
printf '%s\n' "$wanted" >"$venv/.tapedeck-lock"
