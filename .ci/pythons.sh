#!/bin/sh
# Puts newer CPythons than Debian 12's beside it, for the tests that compare them:
# unpacked, not installed, each with the C library that it was built for.
#
#   sh .ci/pythons.sh 3.13 3.14
#
# One that is there and starts is kept.  Any other goes below /opt/rmqlab and becomes
# /usr/local/bin/python3.N; it has the standard library less what needs further
# libraries (sqlite3, curses, …), and no pip.
set -eu

SUITES="trixie forky"
KEYS=/usr/share/keyrings/debian-archive-keyring.gpg
HOME_OF_ALL=/opt/rmqlab
WHERE_LINKED=/usr/local/bin
LIBRARIES="libc6 libgcc-s1 libexpat1 zlib1g libssl3t64 libffi8 libbz2-1.0 liblzma5"
# A mirror may stand still, and its lists be older than they say they may get.  They
# are no less signed for that.
TOO_OLD_IS_FINE=-oAcquire::Check-Valid-Until=false
PROBE="import sys, asyncio, ssl, zlib; assert sys.version.startswith(sys.argv[1] + '.')"

say() { echo "pythons: $*" >&2; }

# starts COMMAND VERSION
starts() { "$1" -c "$PROBE" "$2" 2>/dev/null; }

give_up() {
    say "$*"
    say "Missing:$missing.  From wherever they come, they must be on the PATH."
    exit 1
}

# Wherever apt gets Debian 12 from here; without its lists, apt does not tell.
find_mirror() {
    apt-get $TOO_OLD_IS_FINE update -qq >&2 || true
    # The format is apt's, not the shell's.
    # shellcheck disable=SC2016
    apt-get indextargets --format '$(REPO_URI)' \
        'Codename: bookworm' 'Created-By: Packages' | head -n 1
}

# Apt's own settings, state and sources stay as they are: it is given others.
prepare_apt() {
    mirror=$(find_mirror)
    [ -n "$mirror" ] || give_up "apt knows no archive of bookworm."
    mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/debs"
    for suite in $SUITES; do
        echo "deb [signed-by=$KEYS] $mirror $suite main"
    done >"$work/sources.list"
    cat >"$work/apt.conf" <<END
Dir::State::Lists "$work/lists";
Dir::Cache "$work/cache";
Dir::Etc::SourceList "$work/sources.list";
Dir::Etc::SourceParts "-";
Acquire::Languages "none";
APT::Sandbox::User "root";
END
    export APT_CONFIG="$work/apt.conf"
    apt-get $TOO_OLD_IS_FINE update -qq >&2 ||
        give_up "$mirror does not have all of $SUITES; what apt says is above."
}

unpack() {
    root="$HOME_OF_ALL/python$1"
    say "unpacking python$1 to $root"
    # shellcheck disable=SC2086
    (cd "$work/debs" && rm -f ./*.deb && apt-get download -qq "python$1-minimal" \
        "libpython$1-minimal" "libpython$1-stdlib" $LIBRARIES >&2) ||
        give_up "$mirror has no python$1, or not what it needs, in $SUITES."
    rm -rf "$root"
    mkdir -p "$root/bin"
    for package in "$work"/debs/*.deb; do
        dpkg-deb --extract "$package" "$root"
    done
    ln -s usr/lib "$root/lib"  # the prefix is found from bin/
    loader=$(find "$root/usr/lib" -name 'ld-linux*.so.*' -path '*-linux-gnu*' |
        head -n 1)
    cat >"$root/bin/python$1" <<END
#!/bin/sh
exec "$loader" --argv0 "$root/bin/python$1" --library-path "${loader%/*}" \\
    "$root/usr/bin/python$1" "\$@"
END
    chmod +x "$root/bin/python$1"
    ln -sf "$root/bin/python$1" "$WHERE_LINKED/python$1"
}

missing=
for version in "$@"; do
    starts "python$version" "$version" || missing="$missing python$version"
done
[ -n "$missing" ] || exit 0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prepare_apt
for name in $missing; do
    unpack "${name#python}"
    starts "$WHERE_LINKED/$name" "${name#python}" ||
        give_up "$WHERE_LINKED/$name does not start."
done
