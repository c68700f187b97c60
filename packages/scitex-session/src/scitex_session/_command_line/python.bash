# Behind `python` and `python -m`: the script's own completion, where there is one; else files.

_scitex_session_python() {
    local word name
    for word in "${COMP_WORDS[@]:1}"; do
        name="_scitex_session_${word##*/}"
        name="${name//[^A-Za-z0-9]/_}"
        declare -F "$name" >/dev/null && "$name" && return
    done
}
for name in python python3; do
    complete -p "$name" >/dev/null 2>&1 || complete -o default -F _scitex_session_python "$name"
done
