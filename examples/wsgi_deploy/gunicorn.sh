#!/usr/bin/env bash
# gunicorn.sh HOST PORT: two processes of four threads each; each opens the campus at its first request.
set -euo pipefail
exec gunicorn campuscore.adapters.http.wsgi:application \
    --bind "$1:$2" --worker-class gthread --workers 2 --threads 4 --graceful-timeout 5 \
    --forwarded-allow-ips ""
