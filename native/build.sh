#!/bin/sh
# Compiles crc32c.c for each platform it is shipped for, and checks what came of it.
# Wants Debian's gcc, gcc-aarch64-linux-gnu and qemu-user. Nobody who installs odradek needs this.
set -eu
cd "$(dirname "$0")"
source=$(sha256sum crc32c.c | cut -d' ' -f1)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# No C library is linked: what little is asked of one is in every process of Node, glibc's or musl's.
compile() {
  "$1" -std=gnu11 -O3 -Wall -Wextra -Werror -shared -fPIC -nostdlib -fvisibility=hidden -fno-stack-protector \
    -Wl,--build-id=none -s $3 -DSOURCE="\"$source\"" -o "$2" crc32c.c
  "$1" -O2 -o "$work/check" check.c -ldl
}

compile x86_64-linux-gnu-gcc crc32c-linux-x64.so ''
"$work/check" ./crc32c-linux-x64.so
compile aarch64-linux-gnu-gcc crc32c-linux-arm64.so -march=armv8-a+crc
qemu-aarch64 -L /usr/aarch64-linux-gnu "$work/check" ./crc32c-linux-arm64.so
