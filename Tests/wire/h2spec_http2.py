"""h2spec's group "http2": RFC 7540, section by section."""

from h2spec_cases import (answers_data_of, answers_ping, answers_type, case,
                          connection_closes, connection_error, dummies, stream_closes,
                          stream_error)
from http2 import (COMPRESSION_ERROR, DATA, END_HEADERS, ENABLE_PUSH, FLOW_CONTROL_ERROR,
                   FRAME_SIZE_ERROR, GOAWAY, HEADERS, INITIAL_WINDOW_SIZE, MAX_CONCURRENT_STREAMS,
                   MAX_FRAME_SIZE, PING, PREFACE, PRIORITY, PROTOCOL_ERROR, PUSH_PROMISE,
                   REFUSED_STREAM, RST_STREAM, SETTINGS, STREAM_CLOSED, WINDOW_UPDATE,
                   priority_payload)

MAX_WINDOW = 2**31 - 1


def request(c, stream=1, method="GET", more=(), end_stream=True, **options):
    c.headers(stream, c.encode(c.request_fields(method) + list(more)), end_stream=end_stream,
              **options)


# 3.5 Connection preface

@case("http2/3.5", "Sends client connection preface")
def _(c):
    c.send(PREFACE)
    c.send_settings((INITIAL_WINDOW_SIZE, 65535))
    assert not c.wait_for(SETTINGS).is_ack


@case("http2/3.5", "Sends invalid connection preface")
def _(c):
    c.send(b"INVALID CONNECTION PREFACE\r\n\r\n")
    connection_closes(c)


# 4 Frames

@case("http2/4.1", "Sends a frame with unknown type")
def _(c):
    c.handshake()
    c.write(0x16, 0, 0, bytes(8))
    c.ping()
    answers_type(c, PING)


@case("http2/4.1", "Sends a frame with undefined flag")
def _(c):
    c.handshake()
    c.write(PING, 0x16, 0, bytes(8))
    answers_type(c, PING)


@case("http2/4.1", "Sends a frame with reserved field bit")
def _(c):
    c.handshake()
    c.write(PING, 0x16, 0x80000000, bytes(8))
    answers_type(c, PING)


@case("http2/4.2", "Sends a DATA frame with 2^14 octets in length")
def _(c):
    c.handshake()
    request(c, method="POST", end_stream=False)
    c.data(1, b"x" * c.max_frame_size)
    answers_type(c, HEADERS)


@case("http2/4.2", "Sends a large size DATA frame that exceeds the SETTINGS_MAX_FRAME_SIZE")
def _(c):
    c.handshake()
    request(c, method="POST", end_stream=False)
    c.data(1, b"x" * (c.max_frame_size + 1))
    stream_error(c, FRAME_SIZE_ERROR)


@case("http2/4.2", "Sends a large size HEADERS frame that exceeds the SETTINGS_MAX_FRAME_SIZE")
def _(c):
    c.handshake()
    block = c.encode(c.request_fields() + dummies(5))
    assert len(block) > c.max_frame_size
    c.headers(1, block)
    connection_error(c, FRAME_SIZE_ERROR)


@case("http2/4.3", "Sends invalid header block fragment")
def _(c):
    c.handshake()
    c.headers(1, b"\x40")
    connection_error(c, COMPRESSION_ERROR)


def priority_in_header_block(c):
    c.handshake()
    request(c, end_stream=False, end_headers=False)
    c.priority(1)
    c.continuation(1, c.encode(dummies(1)))
    connection_error(c, PROTOCOL_ERROR)


def headers_in_header_block(c):
    c.handshake()
    request(c, end_stream=False, end_headers=False)
    request(c, stream=3)
    c.continuation(1, c.encode(dummies(1)))
    connection_error(c, PROTOCOL_ERROR)


case("http2/4.3", "Sends a PRIORITY frame while sending the header blocks")(
    priority_in_header_block)
case("http2/4.3", "Sends a HEADERS frame to another stream while sending the header blocks")(
    headers_in_header_block)


# 5.1 Stream states

@case("http2/5.1", "idle: Sends a DATA frame")
def _(c):
    c.handshake()
    c.data(1, b"test")
    connection_error(c, PROTOCOL_ERROR)


@case("http2/5.1", "idle: Sends a RST_STREAM frame")
def _(c):
    c.handshake()
    c.reset(1)
    connection_error(c, PROTOCOL_ERROR)


@case("http2/5.1", "idle: Sends a WINDOW_UPDATE frame")
def _(c):
    c.handshake()
    c.window_update(1, 100)
    connection_error(c, PROTOCOL_ERROR)


@case("http2/5.1", "idle: Sends a CONTINUATION frame")
def _(c):
    c.handshake()
    c.continuation(1, c.encode(c.request_fields()))
    connection_error(c, PROTOCOL_ERROR)


@case("http2/5.1", "half closed (remote): Sends a DATA frame")
def _(c):
    c.handshake()
    request(c)
    c.data(1, b"test")
    stream_error(c, STREAM_CLOSED)


@case("http2/5.1", "half closed (remote): Sends a HEADERS frame")
def _(c):
    c.handshake()
    request(c)
    request(c)
    stream_error(c, STREAM_CLOSED)


@case("http2/5.1", "half closed (remote): Sends a CONTINUATION frame")
def _(c):
    c.handshake()
    block = c.encode(c.request_fields())
    c.headers(1, block)
    c.continuation(1, block)
    stream_error(c, STREAM_CLOSED, PROTOCOL_ERROR)


@case("http2/5.1", "closed: Sends a DATA frame after sending RST_STREAM frame")
def _(c):
    c.handshake()
    request(c, end_stream=False)
    c.reset(1)
    c.data(1, b"test")
    stream_error(c, STREAM_CLOSED)


@case("http2/5.1", "closed: Sends a HEADERS frame after sending RST_STREAM frame")
def _(c):
    c.handshake()
    request(c, end_stream=False)
    c.reset(1)
    request(c)
    stream_error(c, STREAM_CLOSED)


@case("http2/5.1", "closed: Sends a CONTINUATION frame after sending RST_STREAM frame")
def _(c):
    c.handshake()
    request(c, end_stream=False)
    c.reset(1)
    c.continuation(1, c.encode(dummies(1)))
    stream_error(c, STREAM_CLOSED, PROTOCOL_ERROR)


@case("http2/5.1", "closed: Sends a DATA frame")
def _(c):
    c.handshake()
    request(c)
    stream_closes(c)
    c.data(1, b"test")
    stream_error(c, STREAM_CLOSED)


@case("http2/5.1", "closed: Sends a HEADERS frame")
def _(c):
    c.handshake()
    block = c.encode(c.request_fields())
    c.headers(1, block)
    stream_closes(c)
    c.headers(1, block)
    connection_error(c, STREAM_CLOSED)


@case("http2/5.1", "closed: Sends a CONTINUATION frame")
def _(c):
    c.handshake()
    request(c)
    stream_closes(c)
    c.continuation(1, c.encode(dummies(1)))
    connection_error(c, STREAM_CLOSED, PROTOCOL_ERROR)


@case("http2/5.1.1", "Sends even-numbered stream identifier")
def _(c):
    c.handshake()
    request(c, stream=2)
    connection_error(c, PROTOCOL_ERROR)


@case("http2/5.1.1", "Sends stream identifier that is numerically smaller than previous")
def _(c):
    c.handshake()
    request(c, stream=5)
    request(c, stream=3)
    connection_error(c, PROTOCOL_ERROR)


@case("http2/5.1.2",
      "Sends HEADERS frames that causes their advertised concurrent stream limit to be exceeded")
def _(c):
    c.handshake()
    limit = c.settings[MAX_CONCURRENT_STREAMS]
    c.send_settings((INITIAL_WINDOW_SIZE, 0))
    block = c.encode(c.request_fields())
    for index in range(limit + 1):
        c.headers(1 + 2 * index, block)
    stream_error(c, PROTOCOL_ERROR, REFUSED_STREAM)


@case("http2/5.3.1", "Sends HEADERS frame that depends on itself")
def _(c):
    c.handshake()
    request(c, priority=priority_payload(depends_on=1))
    stream_error(c, PROTOCOL_ERROR)


@case("http2/5.3.1", "Sends PRIORITY frame that depend on itself")
def _(c):
    c.handshake()
    c.priority(1, depends_on=1)
    stream_error(c, PROTOCOL_ERROR)


@case("http2/5.4.1", "Sends an invalid PING frame for connection close")
def _(c):
    c.handshake()
    c.write(PING, 0, 3, bytes(8))
    connection_closes(c)


@case("http2/5.4.1", "Sends an invalid PING frame to receive GOAWAY frame")
def _(c):
    c.handshake()
    c.write(PING, 0, 3, bytes(8))
    answers_type(c, GOAWAY)


@case("http2/5.5", "Sends an unknown extension frame")
def _(c):
    c.handshake()
    c.write(0x16, 0, 0, bytes(8))
    c.ping()
    answers_type(c, PING)


@case("http2/5.5", "Sends an unknown extension frame in the middle of a header block")
def _(c):
    c.handshake()
    request(c, end_headers=False)
    c.write(0x16, 0, 0, bytes(8))
    connection_error(c, PROTOCOL_ERROR)


# 6 Frame definitions

@case("http2/6.1", "Sends a DATA frame with 0x0 stream identifier")
def _(c):
    c.handshake()
    c.data(0, b"test")
    connection_error(c, PROTOCOL_ERROR)


@case("http2/6.1", 'Sends a DATA frame on the stream that is not in "open" or '
      '"half-closed (local)" state')
def _(c):
    c.handshake()
    request(c, method="POST")
    c.data(1, b"test")
    stream_error(c, STREAM_CLOSED)


@case("http2/6.1", "Sends a DATA frame with invalid pad length")
def _(c):
    c.handshake()
    request(c, method="POST", more=[("content-length", "4")], end_stream=False)
    c.write(DATA, 0x9, 1, b"\x06Test")
    connection_error(c, PROTOCOL_ERROR)


case("http2/6.2", "Sends a HEADERS frame without the END_HEADERS flag, and a PRIORITY frame")(
    priority_in_header_block)
case("http2/6.2", "Sends a HEADERS frame to another stream while sending a HEADERS frame")(
    headers_in_header_block)


@case("http2/6.2", "Sends a HEADERS frame with 0x0 stream identifier")
def _(c):
    c.handshake()
    request(c, stream=0)
    connection_error(c, PROTOCOL_ERROR)


@case("http2/6.2", "Sends a HEADERS frame with invalid pad length")
def _(c):
    c.handshake()
    block = c.encode(c.request_fields())
    c.write(HEADERS, 0xD, 1, bytes([len(block) + 2]) + block)
    stream_error(c, PROTOCOL_ERROR)


@case("http2/6.3", "Sends a PRIORITY frame with 0x0 stream identifier")
def _(c):
    c.handshake()
    c.priority(0)
    connection_error(c, PROTOCOL_ERROR)


@case("http2/6.3", "Sends a PRIORITY frame with a length other than 5 octets")
def _(c):
    c.handshake()
    request(c)
    c.write(PRIORITY, 0, 1, b"\x80\x00\x00\x01")
    stream_error(c, FRAME_SIZE_ERROR)


@case("http2/6.4", "Sends a RST_STREAM frame with 0x0 stream identifier")
def _(c):
    c.handshake()
    c.reset(0)
    connection_error(c, PROTOCOL_ERROR)


@case("http2/6.4", "Sends a RST_STREAM frame on a idle stream")
def _(c):
    c.handshake()
    c.reset(1)
    connection_error(c, PROTOCOL_ERROR)


@case("http2/6.4", "Sends a RST_STREAM frame with a length other than 4 octets")
def _(c):
    c.handshake()
    request(c)
    c.write(RST_STREAM, 0, 1, bytes(3))
    stream_error(c, FRAME_SIZE_ERROR)


@case("http2/6.5", "Sends a SETTINGS frame with ACK flag and payload")
def _(c):
    c.handshake()
    c.write(SETTINGS, 1, 0, b"\0")
    connection_error(c, FRAME_SIZE_ERROR)


@case("http2/6.5", "Sends a SETTINGS frame with a stream identifier other than 0x0")
def _(c):
    c.handshake()
    c.write(SETTINGS, 0, 1, b"\x00\x03\x00\x00\x00\x64")
    connection_error(c, PROTOCOL_ERROR)


@case("http2/6.5", "Sends a SETTINGS frame with a length other than a multiple of 6 octets")
def _(c):
    c.handshake()
    c.write(SETTINGS, 0, 0, b"\x00\x03\x00")
    stream_error(c, PROTOCOL_ERROR, FRAME_SIZE_ERROR)


def bad_setting(sentence, key, value, code):
    @case("http2/6.5.2", sentence)
    def _(c):
        c.handshake()
        c.send_settings((key, value))
        connection_error(c, code)


bad_setting("SETTINGS_ENABLE_PUSH (0x2): Sends the value other than 0 or 1", ENABLE_PUSH, 2,
            PROTOCOL_ERROR)
bad_setting("SETTINGS_INITIAL_WINDOW_SIZE (0x4): Sends the value above the maximum flow control "
            "window size", INITIAL_WINDOW_SIZE, 2**31, FLOW_CONTROL_ERROR)
bad_setting("SETTINGS_MAX_FRAME_SIZE (0x5): Sends the value below the initial value",
            MAX_FRAME_SIZE, 16383, PROTOCOL_ERROR)
bad_setting("SETTINGS_MAX_FRAME_SIZE (0x5): Sends the value above the maximum allowed frame size",
            MAX_FRAME_SIZE, 16777216, PROTOCOL_ERROR)


@case("http2/6.5.2", "Sends a SETTINGS frame with unknown identifier")
def _(c):
    c.handshake()
    c.send_settings((0xFF, 1))
    c.ping()
    answers_type(c, PING)


@case("http2/6.5.3", "Sends multiple values of SETTINGS_INITIAL_WINDOW_SIZE")
def _(c):
    c.handshake()
    c.send_settings((INITIAL_WINDOW_SIZE, 100), (INITIAL_WINDOW_SIZE, 1))
    answers_type(c, SETTINGS)
    request(c)
    answers_data_of(c, 1)


@case("http2/6.5.3", "Sends a SETTINGS frame without ACK flag")
def _(c):
    c.handshake()
    c.send_settings((ENABLE_PUSH, 0))
    assert c.wait_for(SETTINGS).is_ack


@case("http2/6.7", "Sends a PING frame")
def _(c):
    c.handshake()
    c.ping(b"h2spec\0\0")
    answers_ping(c, b"h2spec\0\0")


@case("http2/6.7", "Sends a PING frame with ACK")
def _(c):
    c.handshake()
    c.ping(b"invalid\0", ack=True)
    c.ping(b"h2spec\0\0")
    assert c.wait_for(PING).payload == b"h2spec\0\0"


@case("http2/6.7", "Sends a PING frame with a stream identifier field value other than 0x0")
def _(c):
    c.handshake()
    c.write(PING, 0, 1, bytes(8))
    connection_error(c, PROTOCOL_ERROR)


@case("http2/6.7", "Sends a PING frame with a length field value other than 8")
def _(c):
    c.handshake()
    c.write(PING, 0, 0, bytes(6))
    connection_error(c, FRAME_SIZE_ERROR)


@case("http2/6.8", "Sends a GOAWAY frame with a stream identifier other than 0x0")
def _(c):
    c.handshake()
    c.write(GOAWAY, 0, 1, bytes(8))
    connection_error(c, PROTOCOL_ERROR)


@case("http2/6.9", "Sends a WINDOW_UPDATE frame with a flow control window increment of 0")
def _(c):
    c.handshake()
    c.window_update(0, 0)
    connection_error(c, PROTOCOL_ERROR)


@case("http2/6.9",
      "Sends a WINDOW_UPDATE frame with a flow control window increment of 0 on a stream")
def _(c):
    c.handshake()
    request(c, end_stream=False)
    c.window_update(1, 0)
    stream_error(c, PROTOCOL_ERROR)


@case("http2/6.9", "Sends a WINDOW_UPDATE frame with a length other than 4 octets")
def _(c):
    c.handshake()
    c.write(WINDOW_UPDATE, 0, 0, b"\x00\x00\x01")
    connection_error(c, FRAME_SIZE_ERROR)


@case("http2/6.9.1",
      "Sends SETTINGS frame to set the initial window size to 1 and sends HEADERS frame")
def _(c):
    c.handshake()
    c.send_settings((INITIAL_WINDOW_SIZE, 1))
    answers_type(c, SETTINGS)
    request(c)
    answers_data_of(c, 1)


@case("http2/6.9.1", "Sends multiple WINDOW_UPDATE frames increasing the flow control window to "
      "above 2^31-1")
def _(c):
    c.handshake()
    c.window_update(0, MAX_WINDOW)
    c.window_update(0, MAX_WINDOW)
    assert c.wait_for(GOAWAY).error == FLOW_CONTROL_ERROR


@case("http2/6.9.1", "Sends multiple WINDOW_UPDATE frames increasing the flow control window to "
      "above 2^31-1 on a stream")
def _(c):
    c.handshake()
    request(c, end_stream=False)
    c.window_update(1, MAX_WINDOW)
    c.window_update(1, MAX_WINDOW)
    frame = c.wait_for(RST_STREAM)
    assert (frame.stream, frame.error) == (1, FLOW_CONTROL_ERROR)


@case("http2/6.9.2", "Changes SETTINGS_INITIAL_WINDOW_SIZE after sending HEADERS frame")
def _(c):
    c.handshake()
    c.send_settings((INITIAL_WINDOW_SIZE, 0))
    answers_type(c, SETTINGS)
    request(c)
    c.send_settings((INITIAL_WINDOW_SIZE, 1))
    answers_type(c, SETTINGS)
    answers_data_of(c, 1)


@case("http2/6.9.2", "Sends a SETTINGS frame for window size to be negative")
def _(c):
    c.handshake()
    c.send_settings((INITIAL_WINDOW_SIZE, 3))
    answers_type(c, SETTINGS)
    request(c)
    answers_type(c, DATA)
    c.send_settings((INITIAL_WINDOW_SIZE, 2))
    answers_type(c, SETTINGS)
    c.window_update(1, 2)
    answers_data_of(c, 1)


@case("http2/6.9.2",
      "Sends a SETTINGS_INITIAL_WINDOW_SIZE settings with an exceeded maximum window size value")
def _(c):
    c.handshake()
    c.send_settings((INITIAL_WINDOW_SIZE, 2**31))
    connection_error(c, FLOW_CONTROL_ERROR)


@case("http2/6.10", "Sends multiple CONTINUATION frames preceded by a HEADERS frame")
def _(c):
    c.handshake()
    request(c, end_headers=False)
    c.continuation(1, c.encode(dummies(1)), end_headers=False)
    c.continuation(1, c.encode(dummies(1)))
    answers_type(c, HEADERS)


@case("http2/6.10",
      "Sends a CONTINUATION frame followed by any frame other than CONTINUATION")
def _(c):
    c.handshake()
    request(c, method="POST", end_stream=False, end_headers=False)
    c.continuation(1, c.encode(dummies(1)), end_headers=False)
    c.data(1, b"test")
    connection_error(c, PROTOCOL_ERROR)


@case("http2/6.10", "Sends a CONTINUATION frame with 0x0 stream identifier")
def _(c):
    c.handshake()
    request(c, end_headers=False)
    c.continuation(0, c.encode(dummies(1)))
    connection_error(c, PROTOCOL_ERROR)


@case("http2/6.10",
      "Sends a CONTINUATION frame preceded by a HEADERS frame with END_HEADERS flag")
def _(c):
    c.handshake()
    request(c)
    c.continuation(1, c.encode(dummies(1)))
    connection_error(c, PROTOCOL_ERROR)


@case("http2/6.10",
      "Sends a CONTINUATION frame preceded by a CONTINUATION frame with END_HEADERS flag")
def _(c):
    c.handshake()
    request(c, end_headers=False)
    c.continuation(1, c.encode(dummies(1)))
    c.continuation(1, c.encode(dummies(1)))
    connection_error(c, PROTOCOL_ERROR)


@case("http2/6.10", "Sends a CONTINUATION frame preceded by a DATA frame")
def _(c):
    c.handshake()
    request(c, method="POST", end_stream=False, end_headers=False)
    c.data(1, b"test")
    c.continuation(1, c.encode(dummies(1)), end_headers=False)
    c.continuation(0, c.encode(dummies(1)))
    connection_error(c, PROTOCOL_ERROR)


# 7 Error codes

@case("http2/7", "Sends a GOAWAY frame with unknown error code")
def _(c):
    c.handshake()
    c.goaway(error=0xFF)
    connection_closes(c)


@case("http2/7", "Sends a RST_STREAM frame with unknown error code")
def _(c):
    c.handshake()
    request(c, method="POST", end_stream=False)
    c.reset(1, 0xFF)
    c.ping()
    answers_type(c, PING)


# 8 HTTP

@case("http2/8.1", "Sends a second HEADERS frame without the END_STREAM flag")
def _(c):
    c.handshake()
    request(c, method="POST", end_stream=False)
    c.data(1, b"test", end_stream=False)
    c.headers(1, c.encode([("x-test", "ok")]), end_stream=False)
    stream_error(c, PROTOCOL_ERROR)


def malformed(section, sentence, change):
    @case(section, sentence)
    def _(c):
        c.handshake()
        c.headers(1, c.encode(change(c.request_fields())))
        stream_error(c, PROTOCOL_ERROR)


malformed("http2/8.1.2",
          "Sends a HEADERS frame that contains the header field name in uppercase letters",
          lambda fields: fields + [("X-TEST", "ok")])
malformed("http2/8.1.2.1",
          "Sends a HEADERS frame that contains a unknown pseudo-header field",
          lambda fields: fields + [(":test", "ok")])
malformed("http2/8.1.2.1",
          "Sends a HEADERS frame that contains the pseudo-header field defined for response",
          lambda fields: fields + [(":status", "200")])


@case("http2/8.1.2.1", "Sends a HEADERS frame that contains a pseudo-header field as trailers")
def _(c):
    c.handshake()
    request(c, method="POST", end_stream=False)
    c.data(1, b"test", end_stream=False)
    c.headers(1, c.encode([(":method", "POST")]), end_stream=False)
    stream_error(c, PROTOCOL_ERROR)


malformed("http2/8.1.2.1", "Sends a HEADERS frame that contains a pseudo-header field that appears "
          "in a header block after a regular header field",
          lambda fields: [("x-test", "ok")] + fields)
malformed("http2/8.1.2.2",
          "Sends a HEADERS frame that contains the connection-specific header field",
          lambda fields: fields + [("connection", "keep-alive")])
malformed("http2/8.1.2.2", "Sends a HEADERS frame that contains the TE header field with any value "
          'other than "trailers"',
          lambda fields: fields + [("trailers", "test"), ("te", "trailers, deflate")])
malformed("http2/8.1.2.3", 'Sends a HEADERS frame with empty ":path" pseudo-header field',
          lambda fields: fields[:2] + [(":path", "")] + fields[3:])
malformed("http2/8.1.2.3", 'Sends a HEADERS frame that omits ":method" pseudo-header field',
          lambda fields: fields[1:])
malformed("http2/8.1.2.3", 'Sends a HEADERS frame that omits ":scheme" pseudo-header field',
          lambda fields: fields[:1] + fields[2:])
malformed("http2/8.1.2.3", 'Sends a HEADERS frame that omits ":path" pseudo-header field',
          lambda fields: fields[:2] + fields[3:])
malformed("http2/8.1.2.3", 'Sends a HEADERS frame with duplicated ":method" pseudo-header field',
          lambda fields: fields + fields[:1])
malformed("http2/8.1.2.3", 'Sends a HEADERS frame with duplicated ":scheme" pseudo-header field',
          lambda fields: fields + fields[1:2])
malformed("http2/8.1.2.3", 'Sends a HEADERS frame with duplicated ":path" pseudo-header field',
          lambda fields: fields + fields[2:3])


def wrong_content_length(sentence, frames):
    @case("http2/8.1.2.6", sentence)
    def _(c):
        c.handshake()
        request(c, method="POST", more=[("content-length", "1")], end_stream=False)
        for index in range(frames):
            c.data(1, b"test", end_stream=index == frames - 1)
        stream_error(c, PROTOCOL_ERROR)


wrong_content_length('Sends a HEADERS frame with the "content-length" header field which does not '
                     "equal the DATA frame payload length", 1)
wrong_content_length('Sends a HEADERS frame with the "content-length" header field which does not '
                     "equal the sum of the multiple DATA frames payload length", 2)


@case("http2/8.2", "Sends a PUSH_PROMISE frame")
def _(c):
    c.handshake()
    c.write(PUSH_PROMISE, END_HEADERS, 1, (3).to_bytes(4, "big") + c.encode(c.request_fields()))
    connection_error(c, PROTOCOL_ERROR)
