#!/usr/bin/env bash
# A nightly script: take the roster of the day, and leave the sheet of the day. Everything happens in a
# temporary folder here; set CAMPUSCORE_HOME to the folder of your campus instead.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export CAMPUSCORE_HOME="$folder/campus"

cat > "$folder/people.csv" <<'CSV'
username,first name,last name,role,groups
ada,Ada,Lovelace,teacher,Lab 1
bob,Bob,Hope,student,Lab 1
CSV

# What would change? The report goes to stdout, so that a script can look at it first.
campuscore users import "$folder/people.csv" --source lab --dry-run
campuscore users import "$folder/people.csv" --source lab

# Words go to stderr and data to stdout; --json is what the API answers.
bob=$(campuscore --json users list --search bob | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["id"])')
campuscore attendance check-in bob
campuscore --json attendance list | python3 -c "
import json, sys
rows = json.load(sys.stdin)
assert [row['user'] for row in rows] == [$bob], rows
"

campuscore attendance day
campuscore attendance export --format csv --output "$folder/today.csv"
cat "$folder/today.csv"

# A refusal is exit code 1, with the reason on stderr.
if campuscore users create bob 2> "$folder/refusal"; then
    echo "the name was free?" >&2
    exit 1
fi
cat "$folder/refusal"
