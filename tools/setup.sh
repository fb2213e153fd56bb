#!/bin/sh
# Creates the virtual environment VENV with exactly the packages of LOCK, with uv if available, otherwise with pip.
# Bytecode is compiled now: the Google Cloud provider alone takes seconds to import without, on every preview.
set -eu
venv=$1 lock=$2
new_enough='sys.exit(sys.version_info < (3, 11))'

# Whether VENV's Python runs what is given. It does not after a set-up that failed or was interrupted, or once the
# system has another Python; what is left is then removed, because neither uv nor venv repairs it.
works() {
    "$venv/bin/python" -c "import sys$1; $new_enough" 2>/dev/null && return
    # Only what is a virtual environment: VENV could be any folder.
    if [ -f "$venv/pyvenv.cfg" ]; then rm -rf "$venv"; fi
    return 1
}

if command -v uv >/dev/null 2>&1; then
    echo "setting up $venv from $lock with uv" >&2
    works "" || uv venv --quiet --seed --python '>=3.11' "$venv"
    uv pip install --quiet --python "$venv/bin/python" --require-hashes --compile-bytecode -r "$lock"
    exit
fi

for python in python3 python3.13 python3.12 python3.11; do
    if command -v "$python" >/dev/null 2>&1 && "$python" -c "import sys; $new_enough"; then
        echo "setting up $venv from $lock with pip; a minute or two, once" >&2
        works ", pip" || "$python" -m venv "$venv" || {
            echo "error: \`$python -m venv\` failed; on Debian and Ubuntu run \`sudo apt install python3-venv\`, or install" \
                "uv; then run this again" >&2
            exit 1
        }
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r "$lock"
        "$venv/bin/python" -m compileall -q -j 0 "$venv/lib" >/dev/null || true # some packages ship templates that are no code
        exit
    fi
done
echo "error: Python 3.11 or newer is needed and was not found on PATH; install it, or install uv, which fetches one" >&2
exit 1
