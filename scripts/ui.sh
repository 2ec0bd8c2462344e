#!/usr/bin/env bash
# Builds ui/dist, which the desktop program carries inside, when its sources have changed.
source "$(dirname "$0")/lib.sh"

stamp=ui/node_modules/.tapedeck-dist
# By content and not by time: a fresh clone has new times, and a new dist makes cargo link the desktop again.
wanted() {
    find ui \( -name node_modules -o -name dist \) -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum
}

if [[ -f ui/dist/index.html && -f $stamp ]] && [[ "$(wanted)" == "$(cat "$stamp")" ]]; then
    exit 0
fi
say 'Building the page'
(cd ui && npx --no-install vite build)
wanted >"$stamp"
