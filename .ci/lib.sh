# Shared by ./handset and tests/run: which Debian packages are missing, installing them, and running
# a long command with its output in a log. Sourced with $home set to the checkout. Messages go to
# stderr; die ends the shell with status 2.
# shellcheck shell=bash disable=SC2154

say() { printf 'handset: %s\n' "$@" >&2; }

die() {
    say "$@"
    exit 2
}

# The packages of the named sections of .ci/packages.txt, one a line.
packages_of() {
    local wanted=" $* " section='' line
    while IFS= read -r line || [[ -n $line ]]; do
        line=${line%%#*}
        line=${line//[[:space:]]/}
        if [[ $line == '['*']' ]]; then
            section=${line:1:-1}
        elif [[ -n $line && $wanted == *" $section "* ]]; then
            printf '%s\n' "$line"
        fi
    done <"$home/.ci/packages.txt"
}

# Those of the given packages that are not installed, one a line.
missing_packages() {
    local -A installed=()
    local name state
    while read -r name state; do
        if [[ $state == installed ]]; then installed[$name]=1; fi
    done < <(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "$@" 2>/dev/null)
    for name in "$@"; do
        if [[ -z ${installed[$name]:-} ]]; then printf '%s\n' "$name"; fi
    done
}

may_install() { [[ ${HANDSET_NO_INSTALL:-0} == 0 ]]; }

# Sets as_root to what must stand before a command for it to run as root.
become_root() {
    as_root=()
    if [[ $(id -u) == 0 ]]; then return 0; fi
    if ! command -v sudo >/dev/null; then return 1; fi
    if sudo -n true 2>/dev/null; then
        as_root=(sudo -n)
    elif [[ -t 0 && -z ${CI:-} ]] && sudo -v >&2; then
        as_root=(sudo)
    else
        return 1
    fi
}

# ensure_packages PURPOSE SECTION...: installs what is missing of the sections.
ensure_packages() {
    local purpose=$1 packages missing by_hand log=$home/build/install.log
    shift
    mapfile -t packages < <(packages_of "$@")
    if ((${#packages[@]} == 0)); then die "no packages found in $home/.ci/packages.txt"; fi
    if ! command -v dpkg-query >/dev/null; then
        # Nothing can be looked up here: what is missing is for CMake to find.
        if ! may_install; then return 0; fi
        die "this is not a Debian system, so nothing can be installed by itself." \
            "Install by hand what these Debian 12 packages hold: ${packages[*]}" \
            "Then run this again with HANDSET_NO_INSTALL=1 set."
    fi
    mapfile -t missing < <(missing_packages "${packages[@]}")
    if ((${#missing[@]} == 0)); then return 0; fi

    by_hand="apt-get install --no-install-recommends ${missing[*]}"
    if ! may_install; then
        die "missing Debian packages, needed to $purpose: ${missing[*]}" \
            "HANDSET_NO_INSTALL is set, so they are not installed. As root: $by_hand"
    fi
    if ! command -v apt-get >/dev/null; then
        die "missing packages, needed to $purpose: ${missing[*]}" \
            "There is no apt-get: this is not a Debian system. Install them by hand and try again."
    fi
    if ! become_root; then
        die "missing Debian packages, needed to $purpose: ${missing[*]}" \
            "Installing them needs root, and sudo is absent or refuses. As root: $by_hand"
    fi
    say "installing Debian packages, needed to $purpose: ${missing[*]}"
    if ! { mkdir -p "$home/build" && : >"$log"; } 2>/dev/null; then
        die "cannot write to $home/build"
    fi
    # One at a time: they share policy-rc.d.
    run_logged "$log" "installing" flock "$log" "${as_root[@]}" bash "$home/.ci/apt_install.sh" \
        "${HANDSET_POLICY_RC_D:-/usr/sbin/policy-rc.d}" "${missing[@]}" ||
        die "apt-get failed (Debian 12 has all of these packages). Its output: $log" \
            "As root, by hand: apt-get update && $by_hand"
}

# run_logged LOG LABEL COMMAND...: appends the command's output to LOG; a terminal sees its newest
# line, anything else sees nothing. On failure the last lines are printed. Status: the command's.
run_logged() {
    local log=$1 label=$2 status
    shift 2
    if [[ -t 2 ]]; then
        "$@" 2>&1 </dev/null | tee -a "$log" | show_newest_line "$label"
        status=${PIPESTATUS[0]}
    else
        "$@" >>"$log" 2>&1 </dev/null
        status=$?
    fi
    if ((status != 0)); then tail -n 30 "$log" | sed 's/^/    /' >&2; fi
    return "$status"
}

show_newest_line() {
    local line
    while IFS= read -r line; do
        line=${line//[[:cntrl:]]/ }
        printf '\r\033[K%s: %.64s' "$1" "$line" >&2
    done
    printf '\r\033[K' >&2
}

# One compiler takes up to 1 GB on the Boost headers: no more of them than memory allows.
build_jobs() {
    local cores fit
    cores=$(nproc 2>/dev/null || echo 1)
    fit=$(awk '/^MemAvailable:/ { print int($2 / 1000000) }' /proc/meminfo 2>/dev/null)
    if ((${fit:-1} < 1)); then fit=1; fi
    echo $((cores < ${fit:-1} ? cores : ${fit:-1}))
}

# build_preset PRESET TARGET: configures and builds into build/PRESET, output in build/PRESET.log.
# The caller holds the lock of that folder.
build_preset() {
    local preset=$1 target=$2
    local folder=$home/build/$preset log=$home/build/$preset.log
    # A checkout that was moved or copied brings a build that CMake refuses and Ninja misreads.
    if [[ -f $folder/CMakeCache.txt ]] &&
        ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$home" "$folder/CMakeCache.txt"; then
        rm -rf -- "$folder"
    fi
    # ccache stops when it can keep no cache: accounts without a home exist.
    if [[ -z ${CCACHE_DIR:-} && ! -w ${HOME:-/nonexistent} ]]; then
        export CCACHE_DIR=$home/build/ccache
    fi
    : >"$log" || return
    run_logged "$log" "configuring $preset" cmake -S "$home" --preset "$preset" &&
        run_logged "$log" "building $preset" cmake --build "$folder" --target "$target" \
            -j "${CMAKE_BUILD_PARALLEL_LEVEL:-$(build_jobs)}"
}

# lock NAME: holds build/NAME.lock on descriptor 9 until the (sub)shell and all it started have
# ended, so that an abandoned build is waited for, too.
lock() {
    mkdir -p "$home/build" 2>/dev/null || die "cannot make the folder $home/build"
    { exec 9>"$home/build/$1.lock"; } 2>/dev/null || die "cannot write to $home/build"
    if ! flock -n 9; then
        say "waiting for another build of $1 in this checkout"
        flock 9 || die "cannot lock $home/build/$1.lock"
    fi
}
