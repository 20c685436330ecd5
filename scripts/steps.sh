# For the other scripts to source: they name their steps, and a table at the end says how long each took.

timed=''
step_name=''

# Begins the step $*.
step() {
    end_step
    step_name=$*
    step_began=$SECONDS
    printf '\n== %s\n' "$*"
}

end_step() {
    [ -z "$step_name" ] || timed+=$(printf '%6d s  %s' $((SECONDS - step_began)) "$step_name")$'\n'
    step_name=''
}

# At the end, whether or not every step passed.
print_times() {
    local status=$?
    [ "$status" = 0 ] || [ -z "$step_name" ] || step_name+=" (failed)"
    end_step
    printf '\n%s%6d s  in all\n' "$timed" "$SECONDS"
}
trap print_times EXIT
