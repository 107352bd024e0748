#!/usr/bin/env bash
# ./handset and tests/run against a small copy of the checkout, with stand-ins for everything that
# installs or builds: PATH holds them and links to the tools of a bare Debian, nothing else.
#   cmake, ctest       write their arguments down; `cmake --build` makes a program showing its own
#   dpkg-query         knows every package but those in $state/missing
#   apt-get, sudo, id  write down how they were called; present only in the cases that need them
# The stand-ins are told what to do by files in $state.
set -u
source_dir=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P) || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failures=0 checks=0

tools=$work/tools state=$work/state checkout="$work/a checkout"
mkdir -p "$tools" "$state" "$work/elsewhere"
for tool in awk bash cat chmod cp dirname env find flock grep mkdir mv nproc readlink rm sed tail \
    tee true; do
    ln -s "$(type -P "$tool")" "$tools/$tool" || exit 1
done

stand_in() { # NAME, body on stdin
    rm -f "$tools/$1"
    { printf '#!%s\nstate=%q\n' "$tools/bash" "$state" && cat; } >"$tools/$1"
    chmod +x "$tools/$1"
}

stand_in cmake <<'END'
printf '%s\n' "$*" >>"$state/cmake"
if [[ $1 != --build ]]; then
    mkdir -p "$2/build/$4" # -S HOME --preset NAME
    printf 'CMAKE_HOME_DIRECTORY:INTERNAL=%s\n' "$2" >"$2/build/$4/CMakeCache.txt"
    exit 0
fi
if ! mkdir "$state/building" 2>/dev/null; then echo overlap >>"$state/overlap"; fi
echo "text on stdout"
status=0
if [[ -e $state/fail-${2##*/} ]]; then
    echo "FAILED: some_file.cpp"
    status=1
else
    cp "$state/program" "$2/handset"
fi
rm -rf "$state/building"
exit $status
END
stand_in ctest <<'END'
printf '%s\n' "$*" >>"$state/ctest"
if [[ -e $state/no-tests ]]; then
    echo "No tests were found!!!"
    exit 8
fi
echo "100% tests passed, 0 tests failed out of 3"
END
stand_in dpkg-query <<'END'
shift 2
for name in "$@"; do
    if ! grep -qxF -e "$name" "$state/missing"; then echo "$name installed"; fi
done
END
cat >"$state/program" <<'END'
#!/usr/bin/env bash
printf '[%s]' "$@"
printf ' home=%s\n' "$HANDSET_HOME"
exit "${PROGRAM_STATUS:-0}"
END
chmod +x "$state/program"

fresh_checkout() {
    rm -rf "$checkout" "$state"/{cmake,ctest,apt,sudo,overlap} "$state"/fail-* "$state/no-tests"
    rm -f "$tools"/{apt-get,sudo,id}
    : >"$state/missing"
    mkdir -p "$checkout"/{handshake/base,emulator,tests,.ci}
    cp "$source_dir/handset" "$checkout/"
    cp "$source_dir/.ci/"* "$checkout/.ci/"
    cp "$source_dir/tests/run" "$checkout/tests/"
    : >"$checkout/CMakeLists.txt"
    : >"$checkout/CMakePresets.json"
    : >"$checkout/handshake/base/time.cpp"
    : >"$checkout/handshake/base/bytes.cpp"
    : >"$checkout/emulator/main.cpp"
}

# launch COMMAND...: leaves $status, $out, $err. Variables for it stand in the array `with`.
with=()
launch() {
    env -i PATH="$tools" HOME="$work" "${with[@]}" "$@" \
        >"$work/out" 2>"$work/err" </dev/null
    status=$?
    out=$(<"$work/out")
    err=$(<"$work/err")
}

calls() { # how often the stand-in was called
    if [[ -e $state/$1 ]]; then grep -c '' "$state/$1"; else echo 0; fi
}

check() { # WHAT, then a test command
    local what=$1
    shift
    checks=$((checks + 1))
    if ! "$@"; then
        failures=$((failures + 1))
        printf 'FAILED: %s: %s\n' "${case_name:-}" "$what"
        printf '  command: %s\n  status %s\n' "$*" "${status:-}"
        sed 's/^/  stdout: /' "$work/out"
        sed 's/^/  stderr: /' "$work/err"
    fi
}
is() { [[ $1 == "$2" ]]; }
has() { [[ $1 == *"$2"* ]]; }
lacks() { [[ $1 != *"$2"* ]]; }

case_name="first run"
fresh_checkout
with=(PROGRAM_STATUS=7)
launch "$checkout/handset" check "a b" "" '*' --host x
check "the program's arguments and stdout, nothing else" \
    is "$out" "[check][a b][][*][--host][x] home=$checkout"
check "the program's status" is "$status" 7
check "says that it builds" has "$err" "building handset (first run"
check "one line" is "$(grep -c '' "$work/err")" 1
check "configured and built once" is "$(calls cmake)" 2
check "the release preset" has "$(<"$state/cmake")" "--preset release"

case_name="second run"
with=()
launch "$checkout/handset" rules
check "runs" is "$status:$out" "0:[rules] home=$checkout"
check "is silent" is "$err" ""
check "does not call cmake" is "$(calls cmake)" 2

case_name="HANDSET_HOME"
with=(HANDSET_HOME=/somewhere)
launch "$checkout/handset"
check "is kept when set" has "$out" "home=/somewhere"
with=()

case_name="called by other names"
ln -s "../a checkout/handset" "$work/elsewhere/predict"
ln -s predict "$work/elsewhere/twice"
cd "$work/elsewhere" || exit 1
launch ./twice x
check "through links, from another directory" is "$out" "[x] home=$checkout"
launch "$tools/bash" ../"a checkout"/handset x
check "by bash, relative" is "$out" "[x] home=$checkout"
cd "$checkout" || exit 1
launch "$tools/bash" handset x
check "by bash, bare name" is "$out" "[x] home=$checkout"
cd "$work" || exit 1
with=(CDPATH="$work")
launch "$tools/bash" "a checkout/handset" x
check "with CDPATH set" is "$out" "[x] home=$checkout"
with=()
check "none of them called cmake" is "$(calls cmake)" 2

case_name="changed sources"
expected=2
for change in "echo >>handshake/base/time.cpp" "rm handshake/base/bytes.cpp" \
    ": >handshake/base/new.cpp" "touch -d 2001-01-01 emulator/main.cpp" \
    "echo >>CMakePresets.json" "mkdir emulator/cli"; do
    (cd "$checkout" && eval "$change")
    launch "$checkout/handset"
    expected=$((expected + 2))
    check "builds after: $change" is "$status:$(calls cmake)" "0:$expected"
    check "says why" has "$err" "sources have changed"
    launch "$checkout/handset"
    check "builds once after: $change" is "$(calls cmake)" "$expected"
done
rm "$checkout/build/release/handset"
launch "$checkout/handset"
check "builds when the program is gone" is "$status:$(calls cmake)" "0:$((expected + 2))"

case_name="moved checkout"
mv "$checkout" "$work/moved"
: >"$work/moved/build/release/of_the_old_place"
launch "$work/moved/handset"
check "runs from the new place" is "$out" "[] home=$work/moved"
check "with nothing of the old build" test ! -e "$work/moved/build/release/of_the_old_place"
rm -rf "$work/moved"

case_name="failing build"
fresh_checkout
: >"$state/fail-release"
launch "$checkout/handset"
check "status 2" is "$status" 2
check "nothing on stdout" is "$out" ""
check "shows the log's end" has "$err" "FAILED: some_file.cpp"
check "says where the log is" has "$err" "$checkout/build/release.log"
rm "$state/fail-release"
launch "$checkout/handset"
check "the next run builds again" is "$status:$(calls cmake)" "0:4"

case_name="two at once"
fresh_checkout
mkdir "$checkout/build"
exec 9>"$checkout/build/release.lock"
flock 9
for number in 1 2 3 4; do
    env -i PATH="$tools" HOME="$work" "$checkout/handset" "$number" \
        >"$work/out.$number" 2>/dev/null </dev/null 9>&- &
done
exec 9>&-
wait
check "all run" is "$(cat "$work"/out.[1-4])" \
    "$(printf "[%s] home=$checkout\n" 1 2 3 4)"
check "one builds" is "$(calls cmake)" 2
check "never two builds at a time" is "$(calls overlap)" 0

case_name="the program holds no lock"
cp "$state/program" "$work/program"
printf '#!/usr/bin/env bash\nflock -n "%s" true && echo free\n' "$checkout/build/release.lock" \
    >"$state/program"
echo >>"$checkout/emulator/main.cpp"
launch "$checkout/handset"
check "while it runs" is "$out" free
cp "$work/program" "$state/program"

case_name="HANDSET_NO_INSTALL"
fresh_checkout
printf '%s\n' cmake libfmt-dev >"$state/missing"
stand_in apt-get <<<'echo "$*" >>"$state/apt"'
with=(HANDSET_NO_INSTALL=1)
launch "$checkout/handset" rules
check "status 2" is "$status" 2
check "names what is missing, only that" \
    has "$err" "missing Debian packages, needed to build handset: cmake libfmt-dev"$'\n'
check "calls neither apt-get nor cmake" is "$(calls apt)$(calls cmake)" 00
check "nothing on stdout" is "$out" ""
with=()

case_name="no apt-get"
rm "$tools/apt-get"
launch "$checkout/handset" rules
check "status 2" is "$status" 2
check "says so" has "$err" "There is no apt-get"
check "names what is missing" has "$err" "cmake libfmt-dev"

case_name="no dpkg-query"
mv "$tools/dpkg-query" "$work/dpkg-query"
launch "$checkout/handset" rules
check "status 2" is "$status" 2
check "names the packages and the way on" has "$err" "HANDSET_NO_INSTALL=1"
check "names the packages" has "$err" "libyaml-cpp-dev"
with=(HANDSET_NO_INSTALL=1)
launch "$checkout/handset" rules
check "leaves it to CMake when told to" is "$status:$out" "0:[rules] home=$checkout"
with=()
mv "$work/dpkg-query" "$tools/dpkg-query"

case_name="not root, no sudo"
fresh_checkout
echo cmake >"$state/missing"
stand_in apt-get <<<'echo "$*" >>"$state/apt"'
stand_in id <<<'echo 1000'
launch "$checkout/handset"
check "status 2" is "$status" 2
check "says what to do as root" has "$err" "As root: apt-get install --no-install-recommends cmake"
check "does not try" is "$(calls apt)" 0

case_name="sudo that asks for a password, no terminal"
stand_in sudo <<<'echo "$*" >>"$state/sudo"; exit 1'
launch "$checkout/handset"
check "status 2" is "$status" 2
check "only tried without a question" is "$(<"$state/sudo")" "-n true"
check "does not try to install" is "$(calls apt)" 0

case_name="sudo without a password"
stand_in sudo <<'END'
echo "$*" >>"$state/sudo"
shift
exec "$@"
END
stand_in apt-get <<'END'
policy=$(tail -n 1 "$state/policy" 2>/dev/null)
echo "$* DEBIAN_FRONTEND=$DEBIAN_FRONTEND policy=$policy" >>"$state/apt"
echo "output of apt-get"
if [[ -e $state/fail-$1 ]]; then exit 100; fi
END
printf '%s\n' g++ cmake catch2 >"$state/missing"
with=(HANDSET_POLICY_RC_D="$state/policy")
launch "$checkout/handset" x
check "installs, builds and runs" is "$status:$out" "0:[x] home=$checkout"
check "updates first" has "$(<"$state/apt")" "update DEBIAN_FRONTEND=noninteractive"
check "installs what the build misses, only that, without services" \
    has "$(<"$state/apt")" " g++ cmake DEBIAN_FRONTEND=noninteractive policy=exit 101"
check "without recommended packages" has "$(<"$state/apt")" "install -y --no-install-recommends"
check "takes its own policy-rc.d away" test ! -e "$state/policy"
check "two lines say what happens" is "$(grep -c '' "$work/err")" 2
check "names what it installs" has "$err" "needed to build handset: g++ cmake"

case_name="as root"
fresh_checkout
echo cmake >"$state/missing"
stand_in id <<<'echo 0'
stand_in apt-get <<'END'
echo "$*" >>"$state/apt"
if [[ -e $state/fail-$1 ]]; then exit 100; fi
END
echo "own policy" >"$state/policy"
: >"$state/fail-update"
launch "$checkout/handset" x
check "no sudo needed; a failing update does not stop it" is "$status:$out" "0:[x] home=$checkout"
check "a policy-rc.d of the machine's own is left alone" is "$(<"$state/policy")" "own policy"
rm "$state/policy" "$state/fail-update"

case_name="apt-get fails"
fresh_checkout
echo cmake >"$state/missing"
stand_in id <<<'echo 0'
stand_in apt-get <<<'echo "E: no such package"; exit 100'
launch "$checkout/handset" x
check "status 2, nothing built" is "$status:$(calls cmake)" 2:0
check "shows why" has "$err" "E: no such package"
check "says where the output is" has "$err" "$checkout/build/install.log"
check "takes its own policy-rc.d away" test ! -e "$state/policy"
with=()

case_name="unwritable checkout"
fresh_checkout
: >"$checkout/build" # a file where the folder should be: stops root, too
launch "$checkout/handset" x
check "status 2" is "$status" 2
check "says so" has "$err" "$checkout/build"

case_name="tests/run"
fresh_checkout
cd "$work/elsewhere" || exit 1
launch "$checkout/tests/run" -R "some test"
check "status 0" is "$status" 0
check "a line for each build" is "$(tail -n 2 "$work/out")" \
    "asan: 100% tests passed, 0 tests failed out of 3
release-tests: 100% tests passed, 0 tests failed out of 3"
check "ctest in both, with its arguments" \
    is "$(grep -c -e '--no-tests=error -R some test$' "$state/ctest")" 2
launch "$checkout/tests/run" --quick
check "--quick: one build" is "$status:$(tail -n 2 "$work/out")" \
    $'0:\nasan: 100% tests passed, 0 tests failed out of 3'
: >"$state/fail-asan"
launch "$checkout/tests/run"
check "goes on after a failed build and fails" is "$status" 1
check "says which failed" has "$out" "asan: the build FAILED"
check "tests the second build" has "$out" "release-tests: 100% tests passed"
rm "$state/fail-asan"
: >"$state/no-tests"
launch "$checkout/tests/run" --quick
check "no test found is a failure" is "$status" 1
check "and is called one" has "$out" "asan: FAILED: no test was found"
launch "$checkout/tests/run" --help
check "--help" is "$status:${out:0:9}" "0:tests/run"
echo catch2 >"$state/missing"
with=(HANDSET_NO_INSTALL=1)
launch "$checkout/tests/run"
check "needs the packages of the tests, too" is "$status" 2
check "names them" has "$err" "needed to build and test handset: catch2"
with=()

cd / || exit 1
echo "$checks checks, $failures failed"
((failures == 0 && checks > 0))
