#!/usr/bin/env bash
# Installs what is missing, builds, and opens the desk.
source "$(dirname "$0")/lib.sh"

scripts/setup.sh
has_display || die 'There is no display: neither DISPLAY nor WAYLAND_DISPLAY is set.' \
    "On a machine without a screen: xvfb-run -a -s '-screen 0 1600x1000x24' make run"
scripts/ui.sh
say 'Building the desk'
build_programs
exec "$TAPEDECK_DESKTOP"
