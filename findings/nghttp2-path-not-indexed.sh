#!/usr/bin/env bash
# Shows that libnghttp2's header compression sends the same :path in full with every request.
#
# Written for: Debian's libnghttp2-dev 1.52.0-1+deb12u3.
# Expected: a field sent twice on one connection costs one byte the second time, since the first put
#   it into HPACK's dynamic table; :path is the longest field that all calls of an RPC method share.
# Seen: :path, authorization, content-length, etag, location, set-cookie, age and a short cookie
#   never enter the table, so each costs as much the third time as the first. The same text under
#   another name (x-path) costs one byte. The application's flag can only forbid indexing more, so
#   a gRPC client on this library pays for the method's full name in every call.
# Documentation: https://www.rfc-editor.org/rfc/rfc7541 leaves the choice to the encoder (section
#   7.1.3 speaks of secrets only); nghttp2's manual does not list these names.
set -euo pipefail

dpkg-query -W libnghttp2-dev
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/show.c" <<'C'
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <string.h>

int main(void) {
  const char *fields[][2] = {
      {":path", "/example.v1.Inventory/ListItems"},
      {"x-path", "/example.v1.Inventory/ListItems"},
      {":authority", "inventory.example.org"},
      {"content-type", "application/grpc"},
      {"content-length", "123456"},
      {"etag", "\"abc\""},
      {"location", "/items/1"},
      {"age", "12"},
  };
  nghttp2_hd_deflater *deflater;
  nghttp2_hd_deflate_new(&deflater, 4096);
  printf("bytes for the first, second and third time\n");
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    printf("%s", fields[i][0]);
    for (int time = 0; time < 3; time++) {
      uint8_t block[256];
      nghttp2_nv field = {(uint8_t *)fields[i][0], (uint8_t *)fields[i][1], strlen(fields[i][0]),
                          strlen(fields[i][1]), NGHTTP2_NV_FLAG_NONE};
      printf(" %zd", nghttp2_hd_deflate_hd(deflater, block, sizeof block, &field, 1));
    }
    printf("\n");
  }
  nghttp2_hd_deflate_del(deflater);
  return 0;
}
C
gcc -o "$work/show" "$work/show.c" -lnghttp2
seen=$("$work/show")
echo "$seen"

# The second and third sizes tell: 1 if the field is in the table, else the first size again.
pattern=$(sed 1d <<<"$seen" | awk '
  { print $1, ($3 == 1 && $4 == 1) ? "indexed" : ($2 == $4) ? "in full" : "?" }')
[ "$pattern" = ':path in full
x-path indexed
:authority indexed
content-type indexed
content-length in full
etag in full
location in full
age in full' ] || { echo 'changed: other fields are indexed' >&2; exit 1; }
echo 'as described'
