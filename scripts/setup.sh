#!/usr/bin/env bash
# Installs what is missing: system packages, Rust components, node modules. Quick when nothing is.
#
#   scripts/setup.sh          install
#   scripts/setup.sh --list   name what is missing, and install nothing
source "$(dirname "$0")/lib.sh"

packages=(
    build-essential pkg-config protobuf-compiler libprotobuf-dev
    libwebkit2gtk-4.1-dev librsvg2-dev libayatana-appindicator3-dev libxdo-dev
    # A display, a font and a driver for the tests that open the real window.
    xvfb xauth fonts-dejavu-core webkit2gtk-driver
    # Other people's engines, which read our tables in the tests, are Python.
    python3 python3-venv
)

missing_packages() {
    has dpkg-query || return 0
    local name
    for name in "${packages[@]}"; do
        # shellcheck disable=SC2016
        dpkg-query --show --showformat '${db:Status-Status}\n' "$name" 2>/dev/null | grep -qx installed || printf '%s\n' "$name"
    done
}

missing_components() {
    cargo fmt --version >/dev/null 2>&1 || printf 'rustfmt\n'
    cargo clippy --version >/dev/null 2>&1 || printf 'clippy\n'
}

# The lock file is the whole truth about node_modules, so its hash is the stamp.
node_stamp=ui/node_modules/.tapedeck-lock
node_wanted() { sha256sum ui/package-lock.json; }
node_modules_fresh() { [[ -f $node_stamp ]] && [[ "$(node_wanted)" == "$(cat "$node_stamp")" ]]; }

check_tools() {
    has cargo || die 'Rust is missing. Install it from https://rustup.rs, then run this again.'
    { has node && has npm; } || die 'Node is missing. Install Node 20.19 or newer from https://nodejs.org, then run this again.'
    node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
        die "Node $(node --version) is too old. Install Node 20.19 or newer, then run this again."
}

as_root() {
    if [[ $(id -u) -eq 0 ]]; then
        "$@"
    elif has sudo; then
        sudo "$@"
    else
        die "These system packages are missing: ${missing[*]}" \
            'Neither root nor sudo is at hand. Have them installed, then run this again.'
    fi
}

mapfile -t missing < <(missing_packages)

if [[ "${1:-}" == --list ]]; then
    check_tools
    mapfile -t components < <(missing_components)
    printf 'system packages: %s\n' "${missing[*]:-nothing is missing}"
    printf 'rust components: %s\n' "${components[*]:-nothing is missing}"
    if node_modules_fresh; then printf 'node modules: nothing is missing\n'; else printf 'node modules: to be installed\n'; fi
    exit 0
fi

if [[ ${#missing[@]} -gt 0 ]]; then
    say "Installing ${missing[*]}"
    as_root apt-get update --quiet
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends "${missing[@]}"
elif ! has dpkg-query; then
    printf 'This is not Debian or Ubuntu: install the likes of these yourself: %s\n' "${packages[*]}" >&2
fi

check_tools

mapfile -t components < <(missing_components)
if [[ ${#components[@]} -gt 0 ]]; then
    has rustup || die "Rust lacks ${components[*]}, and rustup is not here to add them."
    rustup component add "${components[@]}"
fi

if ! node_modules_fresh; then
    say 'Installing node modules'
    (cd ui && npm ci --no-audit --no-fund)
    node_wanted >"$node_stamp"
fi
