# Installs what crudbench needs; sourced by ./quickstart and ./test. Silent where all is there.

# die SENTENCE: ends the script with one clear sentence.
die() {
  printf '%s: %s\n' "$(basename "$0")" "$1" >&2
  exit 1
}

# as_root COMMAND…: runs it as root, directly or through sudo.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  else
    sudo "$@"
  fi
}

# missing_packages FILE…: the Debian packages of the lists that are not installed.
missing_packages() {
  grep -hv '^#' "$@" | while read -r package; do
    case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) in
      *' installed') ;;
      *) printf '%s\n' "$package" ;;
    esac
  done
}

# install_debian_packages PACKAGE…
install_debian_packages() {
  [ $# -gt 0 ] || return 0
  command -v apt-get >/dev/null ||
    die "these packages are missing and there is no apt-get to install them: $*"
  if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
    die "these packages are missing; run as root, or install them yourself: apt-get install $*"
  fi
  printf 'Installing Debian packages: %s\n' "$*"
  local log
  log=$(mktemp)
  as_root apt-get update >"$log" 2>&1 ||
    { tail -n 3 "$log" >&2; die "'apt-get update' failed; is there a network and the right to use sudo?"; }
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y --no-install-recommends "$@" >"$log" 2>&1 ||
    { tail -n 5 "$log" >&2; die "'apt-get install' failed; the lines above say why"; }
  rm -f "$log"
}

# install_npm_packages ROOT: the pinned packages of third_party/package-lock.json.
install_npm_packages() {
  local folder=$1/third_party stamp=$1/third_party/node_modules/.crudbench-installed
  if [ -e "$stamp" ] && cmp -s "$folder/package-lock.json" "$stamp"; then
    return 0
  fi
  command -v npm >/dev/null || install_debian_packages npm
  printf 'Installing pinned npm packages\n'
  local log
  log=$(mktemp)
  (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund) >"$log" 2>&1 ||
    { tail -n 5 "$log" >&2; die "'npm ci' in third_party failed; is there a network?"; }
  rm -f "$log"
  cp "$folder/package-lock.json" "$stamp"
}

# backend_suffix: "" or "-vulkan" or "-cuda", as CRUDBENCH_BACKEND says: the end of the names of the
# preset, of the folder of llama.cpp and of the list of its archives.
backend_suffix() {
  case "${CRUDBENCH_BACKEND:-cpu}" in
    cpu) ;;
    vulkan | cuda) printf -- '-%s' "$CRUDBENCH_BACKEND" ;;
    *) die "CRUDBENCH_BACKEND is '$CRUDBENCH_BACKEND'; it can be cpu, vulkan or cuda" ;;
  esac
}

# install_llama ROOT: headers and prebuilt libraries of llama.cpp into third_party/llama, from the
# pinned archives of third_party/llama.txt; those of another back end into a folder of their own.
# Left out on machines that they were not built for.
install_llama() {
  local suffix pins target
  suffix=$(backend_suffix) || exit 1
  pins=$1/third_party/llama$suffix.txt target=$1/third_party/llama$suffix
  if [ -e "$target/pins" ] && cmp -s "$pins" "$target/pins"; then
    return 0
  fi
  if [ "$(uname -sm)" != 'Linux x86_64' ]; then
    printf 'No prebuilt llama.cpp for %s: without one of your own, the llama generator is left out\n' "$(uname -sm)"
    return 0
  fi
  printf 'Installing llama.cpp%s\n' "${suffix:+ with its back end ${suffix#-}}"
  local work log package sum archive
  work=$(mktemp -d)
  log=$work/log
  grep -v '^#' "$pins" | while read -r package sum; do
    (cd "$work" && npm pack --silent "$package") >"$work/name" 2>"$log" ||
      { tail -n 5 "$log" >&2; die "'npm pack $package' failed; is there a network?"; }
    archive=$work/$(tail -n 1 "$work/name")
    printf '%s  %s\n' "$sum" "$archive" | sha512sum --check --status ||
      die "the archive of $package is not the one that third_party/llama$suffix.txt names"
    mkdir -p "$work/$package"
    tar -xzf "$archive" -C "$work/$package" --strip-components=1
  done || exit 1
  rm -rf "$target"
  mkdir -p "$target/lib" "$target/include" "$work/source"
  git clone --quiet --bare "$work"/node-llama-cpp@*/llama/gitRelease.bundle "$work/source.git" 2>"$log" ||
    { tail -n 5 "$log" >&2; die "the sources in node-llama-cpp cannot be read"; }
  git --git-dir="$work/source.git" archive HEAD LICENSE include ggml/include common | tar -x -C "$work/source"
  cp "$work"/source/include/*.h "$work"/source/ggml/include/*.h "$target/include/"
  (cd "$work/source" && find common -name '*.h' -exec cp --parents {} "$target/include/" \;)
  cp "$work"/source/LICENSE "$target/"
  cp "$work"/@node-llama-cpp/*/bins/*/*.so "$target/lib/"
  cp "$pins" "$target/pins"
  rm -rf "$work"
}

# set_up ROOT LIST…: everything the lists name, the npm packages and llama.cpp.
set_up() {
  local root=$1
  shift
  local missing
  missing=$(missing_packages "$@") || true
  # shellcheck disable=SC2086  # One word a package.
  install_debian_packages $missing
  install_npm_packages "$root"
  install_llama "$root"
}

# build_folder ROOT: where the preset of the chosen back end builds.
build_folder() {
  printf '%s/build/release%s' "$1" "$(backend_suffix)"
}

# build ROOT TARGET…: configures if need be and builds; shows the output only when it fails.
build() {
  local root=$1
  shift
  local log folder
  log=$(mktemp)
  folder=$(build_folder "$root")
  if [ ! -e "$folder/build.ninja" ]; then
    printf 'Configuring\n'
    (cd "$root" && cmake --preset "$(basename "$folder")") >"$log" 2>&1 ||
      { tail -n 30 "$log" >&2; die "configuring failed; the lines above say why"; }
  fi
  if ninja -C "$folder" -n "$@" 2>/dev/null | grep -q 'no work to do'; then
    rm -f "$log"
    return 0
  fi
  printf 'Building (some minutes the first time)\n'
  cmake --build "$folder" --target "$@" >"$log" 2>&1 ||
    { tail -n 40 "$log" >&2; die "building failed; the lines above say why"; }
  rm -f "$log"
}
