#!/usr/bin/env bash
# Builds a .deb of the two programs, and prints where it is and how large.
source "$(dirname "$0")/lib.sh"

has dpkg-deb || die 'dpkg-deb is missing: a .deb is built on Debian or Ubuntu.'
scripts/setup.sh
scripts/ui.sh
say 'Building with optimisation; cold, this takes long'
build_release

version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
architecture=$(dpkg --print-architecture)
output="$CARGO_TARGET_DIR/package"
package="$output/tapedeck_${version}_${architecture}.deb"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root="$work/root"
doc="$root/usr/share/doc/tapedeck"
# The same sources give the same archive: dpkg-deb stamps files with this.
if commit_time=$(git log -1 --format=%ct 2>/dev/null); then export SOURCE_DATE_EPOCH="$commit_time"; fi

install -Dm755 -s -t "$root/usr/bin" "$CARGO_TARGET_DIR/release/tapedeck" "$CARGO_TARGET_DIR/release/tapedeck-desktop"
icons="$root/usr/share/icons/hicolor"
install -Dm644 src-tauri/icons/32x32.png "$icons/32x32/apps/tapedeck.png"
install -Dm644 src-tauri/icons/128x128.png "$icons/128x128/apps/tapedeck.png"
install -Dm644 'src-tauri/icons/128x128@2x.png' "$icons/256x256/apps/tapedeck.png"
install -Dm644 src-tauri/icons/icon.png "$icons/512x512/apps/tapedeck.png"
install -Dm644 src-tauri/icons/icon.svg "$icons/scalable/apps/tapedeck.svg"
install -Dm644 scripts/tapedeck.desktop "$root/usr/share/applications/org.tapedeck.desk.desktop"

install -d "$doc"
{
    printf 'Tapedeck is under the Apache License, Version 2.0. On Debian its text is in /usr/share/common-licenses/Apache-2.0.\n\n'
    cat NOTICE
    printf '\nThe sample day inside the programs:\n\n'
    cat core/sample/LICENSE.rangebar
    printf '\nThe licences of the libraries inside the programs are in third-party.gz beside this file.\n'
} >"$doc/copyright"
node scripts/third-party.mjs | gzip -9n >"$doc/third-party.gz"
gzip -9nc CHANGELOG.md >"$doc/changelog.gz"
chmod 644 "$doc"/*

# Which packages hold the libraries the programs are linked to, by this system's own names for them.
mkdir -p "$work/debian"
printf 'Source: tapedeck\n\nPackage: tapedeck\nArchitecture: any\n' >"$work/debian/control"
depends=$(cd "$work" && dpkg-shlibdeps -O root/usr/bin/tapedeck root/usr/bin/tapedeck-desktop 2>"$work/shlibdeps.log" | sed -n 's/^shlibs:Depends=//p')
[[ $depends == *libwebkit2gtk-4.1* ]] || die 'dpkg-shlibdeps did not find what the programs need:' "$(cat "$work/shlibdeps.log")"

install -d "$root/DEBIAN"
cat >"$root/DEBIAN/control" <<CONTROL
Package: tapedeck
Version: $version
Architecture: $architecture
Maintainer: The Tapedeck authors <tapedeck@localhost>
Installed-Size: $(du -sk "$root/usr" | cut -f 1)
Depends: $depends
Section: misc
Priority: optional
Description: records the crypto market tick by tick, and plays it again
 Tapedeck takes trades and quotes from Coinbase, keeps every one of them on
 your own disk, draws candles from them, and plays any recorded moment again.
 It holds the desk (tapedeck-desktop) and a command (tapedeck).
CONTROL
(cd "$root" && find usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum >DEBIAN/md5sums)

mkdir -p "$output"
dpkg-deb --root-owner-group -Zxz --build "$root" "$package" >/dev/null
printf '%s  %s MB (installed %s MB)\n' "$package" \
    "$(awk -v b="$(stat -c %s "$package")" 'BEGIN { printf "%.1f", b / 1e6 }')" \
    "$(awk -v k="$(du -sk "$root/usr" | cut -f 1)" 'BEGIN { printf "%.1f", k * 1024 / 1e6 }')"
printf 'Install: sudo apt install %s    Remove: sudo apt remove tapedeck\n' "$package"
