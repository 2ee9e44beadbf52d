#!/usr/bin/env bash
# Installs what building Apus needs on Debian 12 (or a relative), as root or through sudo, and checks for
# Swift. Does nothing where everything is there; asks nothing.
set -euo pipefail

# The headers and libraries that Apus itself uses, then what `swift build` needs to compile and link.
packages=(
  libnetcdf-dev libfftw3-dev libopenblas-dev libopenblas-pthread-dev libcairo2-dev pkg-config
  fonts-dejavu-core make
  git binutils gcc libc6-dev libstdc++-12-dev zlib1g-dev libcurl4 libxml2 libsqlite3-0 libncurses6 tzdata
)

say() { printf 'setup: %s\n' "$*" >&2; }

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

if command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; then
  missing=()
  for package in "${packages[@]}"; do
    installed "$package" || missing+=("$package")
  done
  if [ ${#missing[@]} -gt 0 ]; then
    say "installing ${missing[*]}"
    root=()
    if [ "$(id -u)" -ne 0 ]; then
      if ! command -v sudo >/dev/null; then
        say "error: neither root nor sudo. As root: apt-get update && apt-get install ${missing[*]}"
        exit 77
      fi
      root=(sudo)
    fi
    "${root[@]}" apt-get update -q >&2 </dev/null
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
      apt-get install -q -y --no-install-recommends "${missing[@]}" >&2 </dev/null
  fi
else
  say "no apt here: Apus needs NetCDF, FFTW (single and double), OpenBLAS, cairo, their headers and pkg-config"
fi

for library in netcdf fftw3 fftw3f openblas cairo; do
  if ! pkg-config --exists "$library"; then
    say "error: pkg-config does not know '$library'; install its development package."
    exit 69
  fi
done

# Swift's own tarballs are often unpacked here without being on the PATH (the Makefile looks there too).
[ -d /opt/swift/usr/bin ] && PATH="$PATH:/opt/swift/usr/bin"
if ! command -v swift >/dev/null; then
  say "error: no Swift. Install 6.1 or newer from https://www.swift.org/install/linux/ and put it on the PATH."
  exit 69
fi
version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9][0-9]*\.[0-9][0-9]*\).*/\1/p' | head -n 1)
if [ "$(printf '%s\n' 6.1 "${version:-0}" | sort -V | head -n 1)" != 6.1 ]; then
  say "error: found Swift ${version:-of unknown version}, expected 6.1 or newer: https://www.swift.org/install/linux/"
  exit 69
fi
say "all there (Swift $version)"
