#!/usr/bin/env bash
# granian.sh HOST PORT: what "campuscore serve" does as well, without the administrator and the worker.
set -euo pipefail
exec granian --interface wsgi campuscore.adapters.http.wsgi:application \
    --host "$1" --port "$2" --workers 2 --blocking-threads 4
