#!/bin/sh
# Asks whether a command may run, waits for the answer, claims it, runs the command and says what came of it:
#     sh ask.sh 'echo hello'
# Nothing runs without an approval. With a REQUEST_ID of its own, a script that was restarted finds its answer again.
set -eu
server=@URL@
token="$(cat @TOKEN@)"
uuid() { python3 -c 'import uuid; print(uuid.uuid4())'; }
id="${REQUEST_ID:-$(uuid)}"
claim_id="$(uuid)"

# Sends a request again and again while the server is away, for a minute; what it refuses is an error.
send() {
    for _ in $(seq 60); do
        said="$(curl -s --max-time 60 -w '\n%{http_code}' -H @- "$@" <<HEADERS
Authorization: Bearer $token
Content-Type: application/json
HEADERS
        )" || said=000
        case "$(printf '%s' "$said" | tail -n 1)" in
            2??) printf '%s' "$said" | sed '$d'; return ;;
            000 | 429 | 502 | 503 | 504 | 507) sleep 1 ;;
            *) printf '%s\n' "$said" >&2; return 1 ;;
        esac
    done
    echo "countersign cannot be reached; nothing was decided: try again later" >&2
    return 1
}
# Prints a member of the JSON on standard input, such as effectiveInput.command.
member() {
    python3 -c 'import functools, json, sys
print(functools.reduce(lambda value, name: (value or {}).get(name), sys.argv[1].split("."), json.load(sys.stdin)) or "")' "$1"
}

body="$(python3 -c 'import json, sys; print(json.dumps({"requestId": sys.argv[1], "kind": "confirmation", "confirmation": {
    "toolName": "shell", "input": {"command": sys.argv[2]}, "inputEditsAllowed": True}}))' "$id" "${1:-echo hello}")"
asked="$(send "$server/v1/interactions" -d "$body")"
while status="$(printf '%s' "$asked" | member status)" && [ "$status" = pending ]; do
    asked="$(send "$server/v1/interactions/$id?waitMs=25000")"
done
if [ "$status" != approved ]; then
    echo "not allowed: $status $(printf '%s' "$asked" | member resolution.comment)" >&2
    exit 3
fi
claim="$(send "$server/v1/interactions/$id/claim" -d "{\"claimId\": \"$claim_id\"}")"
outcome=succeeded
sh -c "$(printf '%s' "$claim" | member effectiveInput.command)" || outcome=failed
send "$server/v1/interactions/$id/outcome" -d "{\"claimId\": \"$claim_id\", \"outcome\": \"$outcome\"}" > /dev/null
