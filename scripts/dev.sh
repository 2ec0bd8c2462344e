#!/usr/bin/env bash
# The desk with hot reload: the page comes from vite, and a saved file is on the screen at once.
source "$(dirname "$0")/lib.sh"

scripts/setup.sh
has_display || die 'There is no display: neither DISPLAY nor WAYLAND_DISPLAY is set.' \
    "On a machine without a screen: xvfb-run -a -s '-screen 0 1600x1000x24' make dev"

(cd ui && exec node_modules/.bin/vite) &
vite=$!
trap 'kill "$vite" 2>/dev/null || true' EXIT

# Without `custom-protocol` the window loads devUrl of src-tauri/tauri.conf.json.
cargo build --locked -p tapedeck-desktop
until node -e 'require("net").connect(1420, "localhost").on("connect", () => process.exit(0)).on("error", () => process.exit(1))'; do
    kill -0 "$vite" 2>/dev/null || die 'vite ended before it served the page. Is port 1420 taken?'
    sleep 0.2
done
cargo run --locked -p tapedeck-desktop
