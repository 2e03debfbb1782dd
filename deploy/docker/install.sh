#!/bin/sh
# The steps of the Dockerfile's stages after `locked`: none of them fetches anything.
set -eu
stage=$1 folder=${2:-} name=${3:-} version=${4:-}
lock=/build/wheels/images.lock
python=/app/venv/bin/python
uv=/build/venv/bin/uv
picked=/build/picked.lock

again=$(cat /build/from) # wheels that were brought along, else what lies in uv's cache since the stage `locked`
again=${again:---offline}

pick() {
    /build/venv/bin/python /build/closure.py "$@"
}

# Compiled here, since nothing can be written where they run; checked by no date, since those are all the same.
compiled() {
    python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash "$@"
}

# The installer's own notes say when and from where a wheel came.
dateless() {
    find "$1" -path '*.dist-info/*' \( -name uv_cache.json -o -name direct_url.json \) -delete
    find "$1" -path '*.dist-info/RECORD' -exec sed -i -e '/\/uv_cache\.json,/d' -e '/\/direct_url\.json,/d' {} +
}

# Others' packages come without their tests and the linker's notes; some have a file for a Python of long ago.
trimmed() {
    dateless "$1"
    find "$1" -depth -type d \( -name tests -o -name __pycache__ \) -exec rm -r {} +
    find "$1" -type f \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.[ch]' -o -name .lock \) -delete
    # Libraries in *.libs were rewritten when the wheel was made: strip would break them, and they have no symbols left.
    find "$1" -type f -name '*.so*' -not -path '*.libs/*' -exec strip --strip-unneeded {} +
    "$python" /build/loads.py "$1"
    compiled "$1" >/dev/null || true
}

install() { # from what the stage `locked` fetched
    "$uv" pip install $again --quiet --no-deps --no-build --require-hashes --python "$python" "$@" -r "$picked"
}

case $stage in
sdk)
    "$uv" venv --quiet --no-project --python "$(command -v python3)" /app/venv
    pick libs/common --lock "$lock" >"$picked"
    install
    printf '/app/own\n/app/code\n' >"$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/machi.pth"
    trimmed /app/venv
    mkdir -p /build/accounts
    cp /etc/passwd /etc/group /build/accounts/
    echo 'machi:x:10001:10001:Machi:/app:/usr/sbin/nologin' >>/build/accounts/passwd
    echo 'machi:x:10001:' >>/build/accounts/group
    ;;
own)
    mkdir -p /app/own
    pick "$folder" --lock "$lock" --without libs/common >"$picked"
    install --target /app/own
    trimmed /app/own
    ;;
code)
    for each in $(pick "$folder"); do
        "$uv" build --quiet --offline --wheel --no-build-isolation --python /build/venv/bin/python --out-dir /build/dist "$each"
    done
    mkdir -p /app/code/bin /app/sbom /app/pod /app/jars
    "$uv" pip install --quiet --offline --no-deps --python "$python" --target /app/code /build/dist/*.whl
    dateless /app/code
    plain=${folder%%[*}
    if [ -f "$plain/service.yaml" ]; then
        cp -r "$plain/service.yaml" "$plain/migrations" /app/pod/
        printf '#!/bin/sh\nexec python -m machi_%s "$@"\n' "$(echo "$name" | tr - _)" >/app/code/bin/pod
        chmod 755 /app/code/bin/pod
    fi
    case $folder in
    *kafka*)
        if [ -d /build/wheels/jars ]; then export MACHI_KAFKA_JARS=/build/wheels/jars; fi
        PYTHONPATH=tools/machi/src /build/venv/bin/python -m machi_tools.embedded.kafka_jars /app/jars
        ;;
    esac
    compiled /app/code /app/pod
    /build/venv/bin/python deploy/docker/sbom.py "machi/$name" "$version" --suite "$(. /build/base/os-release && echo "$ID-$VERSION_ID")" \
        --dpkg /build/base/status --python /app/venv/lib/*/site-packages /app/own /app/code \
        --jars /app/jars --sums tools/machi/src/machi_tools/embedded/kafka-jars.sha256 >/app/sbom/sbom.cdx.json
    ;;
esac
