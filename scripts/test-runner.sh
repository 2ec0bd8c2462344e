#!/usr/bin/env bash
# Cargo starts every test program through this. It asks for the time of each test, which the stable toolchain only gives when told so.
program=$1
shift
case $program in
*/deps/*) RUSTC_BOOTSTRAP=1 exec "$program" -Z unstable-options --report-time "$@" ;;
*) exec "$program" "$@" ;;
esac
