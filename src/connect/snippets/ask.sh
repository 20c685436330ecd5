#!/bin/sh
# Asks whether a command may run, waits for the answer, claims it, runs the command and says what came of it.
# Nothing runs without an approval.
set -eu
server=@URL@
token="$(cat @TOKEN@)"
command='echo hello'

# Repeats a call while the server is away.
call() {
    curl -sS --fail-with-body --retry 100000 --retry-connrefused --retry-delay 1 \
        -H "Authorization: Bearer $token" -H 'Content-Type: application/json' "$@"
}
member() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }

body="$(python3 -c 'import json, sys; print(json.dumps({"kind": "confirmation", "confirmation": {
    "toolName": "shell", "input": {"command": sys.argv[1]}}}))' "$command")"
id="$(call "$server/v1/interactions" -d "$body" | member requestId)"
status=pending
while [ "$status" = pending ]; do
    status="$(call "$server/v1/interactions/$id?waitMs=25000" | member status)"
done
if [ "$status" != approved ]; then
    echo "not allowed: $status" >&2
    exit 3
fi
claim="$(call "$server/v1/interactions/$id/claim" -d '{}' | member claimId)"
outcome=succeeded
sh -c "$command" || outcome=failed
call "$server/v1/interactions/$id/outcome" -d "{\"claimId\":\"$claim\",\"outcome\":\"$outcome\"}" > /dev/null
