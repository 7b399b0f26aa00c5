# What a session of test_shell.py begins with. ROOT is the clone, MACHINE the folder that absolute paths lie
# below, PORT a free port, SCRIPTS and PACKAGES the environment of the tests.
set -euo pipefail
exec 3<&"$1" <> "$(tty)" >&0 2>&0  # makes the terminal the session's own, where programs ask for passwords

LOG=$MACHINE/log
# shellcheck disable=SC2046
trap 'kill $(jobs -p) 2> /dev/null || true; wait' EXIT

ready() {
    exec 4<> "/dev/tcp/127.0.0.1/$PORT"
    printf 'GET /readyz HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' >&4
    grep --quiet '"ready"' <&4
}

shown() { [ -s "$LOG" ]; }

# keep [NAME=VALUE...] PROGRAM...: what keeps running does so until the session ends.
keep() {
    local awaited=ready
    case "$* " in
        *" serve "*) set -- "$@" --port "$PORT" ;;
        *--follow*) awaited=shown ;;
    esac
    env "$@" > "$LOG" 2>&1 &
    until ("$awaited") 2> /dev/null; do
        kill -0 "$!" || { cat "$LOG"; return 1; }
        sleep 0.1
    done
    cat "$LOG"
}

# have [BIN/]: in place of `pip install` of campuscore, which is in the environment of the tests.
have() {
    local bin=${1:-${VIRTUAL_ENV:+$VIRTUAL_ENV/bin/}}
    if [ -n "$bin" ]; then
        local packages
        packages=$("${bin}python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
        echo "import site; site.addsitedir('$PACKAGES')" > "$packages/tests.pth"
        ln --symbolic --force "$SCRIPTS"/{campuscore,twine} "$bin"
    fi
}

# The machine has no systemd and no accounts of its own.
systemctl() {
    case $1 in stop | restart) kill "$SERVICE"; wait "$SERVICE" ;; esac
    case $1 in
        enable | start | restart)
            keep campuscore --config "$MACHINE/etc/campuscore.toml" serve > /dev/null
            SERVICE=$!
            ;;
    esac
}

useradd() { mkdir --parents "$4"; }

while read -r block <&3; do
    # shellcheck disable=SC1090
    . "$block" 3<&-
    printf '\x1e'
done
