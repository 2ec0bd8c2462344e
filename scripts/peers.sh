#!/usr/bin/env bash
# NautilusTrader and faiss for `make bench`, in a venv of their own: their dependencies are not those of the readers.
source "$(dirname "$0")/lib.sh"

venv=$(dirname "$(dirname "$TAPEDECK_PEERS")")
wanted=(nautilus_trader==1.221.0 faiss-cpu==1.12.0)
if [[ -f $venv/.tapedeck-lock && "$(cat "$venv/.tapedeck-lock")" == "${wanted[*]}" ]]; then exit 0; fi

say 'Installing NautilusTrader and faiss for the bench'
rm -rf "$venv"
python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check "${wanted[@]}" pyarrow
printf '%s\n' "${wanted[*]}" >"$venv/.tapedeck-lock"
