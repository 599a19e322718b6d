"""h2spec's group "hpack": RFC 7541, what must be a decoding error."""

from h2spec_cases import case, connection_error
from http2 import COMPRESSION_ERROR, HEADER_TABLE_SIZE


def undecodable(section, sentence, suffix=b"", prefix=lambda c: b""):
    @case(section, sentence)
    def _(c):
        c.handshake()
        c.headers(1, prefix(c) + c.encode(c.request_fields()) + suffix)
        connection_error(c, COMPRESSION_ERROR)


def size_update(size):
    """A dynamic table size update: an integer with a prefix of five bits."""
    if size < 31:
        return bytes([0x20 | size])
    encoded = [0x3F]
    size -= 31
    while size >= 128:
        encoded.append(0x80 | (size & 0x7F))
        size >>= 7
    return bytes(encoded + [size])


undecodable("hpack/2.3.3", "Sends a indexed header field representation with invalid index",
            b"\xfe")
undecodable("hpack/2.3.3", "Sends a literal header field representation with invalid index",
            b"\x7f\x07\x00")
undecodable("hpack/4.2", "Sends a dynamic table size update at the end of header block", b"\x21")
undecodable("hpack/5.2",
            "Sends a Huffman-encoded string literal representation with padding longer than 7 bits",
            bytes.fromhex("0085f2b24a84ff8449509fff"))
undecodable("hpack/5.2", "Sends a Huffman-encoded string literal representation padded by zero",
            bytes.fromhex("0085f2b24a84ff83495090"))
undecodable("hpack/5.2",
            "Sends a Huffman-encoded string literal representation containing the EOS symbol",
            bytes.fromhex("0085f2b24a87fffffffd25427f"))
undecodable("hpack/6.1", "Sends a indexed header field representation with index 0", b"\x80")
undecodable("hpack/6.3", "Sends a dynamic table size update larger than the value of "
            "SETTINGS_HEADER_TABLE_SIZE",
            prefix=lambda c: size_update(c.settings.get(HEADER_TABLE_SIZE, 4096) + 1))
