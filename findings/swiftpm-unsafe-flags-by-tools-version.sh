#!/usr/bin/env bash
# Shows that SwiftPM refuses unsafe flags of a dependency by that package's tools version alone.
#
# Written for: Swift 6.3.1 on Linux, git with its daemon.
# Expected: "products that contain a build target with unsafe flags are ineligible for use by other
#   packages", whoever depends on them by a version.
# Seen: with `swift-tools-version: 6.2` in the dependency they build, without a word; with 6.1 the same
#   package is refused. The tools version of the package that depends on it does not matter.
# Documentation: https://docs.swift.org/package-manager/PackageDescription/PackageDescription.html
#   (SwiftSetting, unsafeFlags).
set -euo pipefail

swift --version 2>/dev/null | head -n 1
folder=$(mktemp -d)
trap 'kill "$(cat "$folder/pid")" 2>/dev/null; rm -rf "$folder"' EXIT

# library NAME TOOLS-VERSION: a package with one flag, as version 1.0.0 of a repository.
library() {
  mkdir -p "$folder/$1/Sources/Flagged"
  cat >"$folder/$1/Package.swift" <<SWIFT
// swift-tools-version: $2
import PackageDescription

let package = Package(
  name: "$1", products: [.library(name: "Flagged", targets: ["Flagged"])],
  targets: [
    .target(name: "Flagged", swiftSettings: [.unsafeFlags(["-enforce-exclusivity=unchecked"])])
  ])
SWIFT
  echo 'public let answer = 42' >"$folder/$1/Sources/Flagged/Flagged.swift"
  git -C "$folder/$1" -c init.defaultBranch=main init --quiet
  git -C "$folder/$1" add .
  git -C "$folder/$1" -c user.name=nobody -c user.email=nobody@example.com commit --quiet -m "$1"
  git -C "$folder/$1" tag 1.0.0
}

# outcome LIBRARY TOOLS-VERSION: whether a program that depends on it builds.
outcome() {
  local app="$folder/app-$1-$2"
  mkdir -p "$app/Sources/app"
  cat >"$app/Package.swift" <<SWIFT
// swift-tools-version: $2
import PackageDescription

let package = Package(
  name: "app", dependencies: [.package(url: "git://127.0.0.1:$port/$1", from: "1.0.0")],
  targets: [
    .executableTarget(name: "app", dependencies: [.product(name: "Flagged", package: "$1")])
  ])
SWIFT
  printf 'import Flagged\nprint(answer)\n' >"$app/Sources/app/main.swift"
  # Nothing is remembered of earlier runs, in which the repository had another content.
  if swift build --package-path "$app" --config-path "$folder/config" --cache-path "$folder/cache" \
    --security-path "$folder/security" >"$app/log" 2>&1; then
    echo builds
  else
    sed -n "s/.*error: '[^']*': //p" "$app/log" | tail -n 1
  fi
}

port=$((20000 + RANDOM % 20000))
library flagged61 6.1
library flagged62 6.2
git daemon --reuseaddr --base-path="$folder" --export-all --listen=127.0.0.1 --port="$port" \
  --pid-file="$folder/pid" --detach "$folder"

seen=''
for pair in 'flagged61 6.1' 'flagged61 6.2' 'flagged62 6.1' 'flagged62 6.2'; do
  set -- $pair
  line="$1, used by a package of $2: $(outcome "$1" "$2")"
  echo "$line"
  seen+="$line"$'\n'
done

refused="the target 'Flagged' in product 'Flagged' contains unsafe build flags"
[ "$seen" = "flagged61, used by a package of 6.1: $refused
flagged61, used by a package of 6.2: $refused
flagged62, used by a package of 6.1: builds
flagged62, used by a package of 6.2: builds
" ] || {
  echo 'changed: other packages are refused' >&2
  exit 1
}
echo 'as described'
