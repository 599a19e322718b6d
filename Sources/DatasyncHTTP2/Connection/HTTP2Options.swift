package import NIOCore

/// What one connection may do and take. A value. Source of the defaults: what HTTP/2 servers in wide
/// use allow, and what attacks on them have shown.
package struct HTTP2Options: Sendable {
  /// Streams, and with them calls, that run at once on a connection.
  package var maxConcurrentStreams = 128
  /// Bytes that a peer may send on a stream before it is read; 65,535...2^31-1.
  package var streamWindowBytes = 1 << 20
  /// The same for the connection.
  package var connectionWindowBytes = 4 << 20
  /// 16,384...16,777,215.
  package var maxFrameBytes = 16_384

  /// Names, values and 32 for each field. Source: RFC 9113, section 6.5.2.
  package var maxHeaderListBytes = 16 << 10
  /// In one list, pseudo-header fields among them; trailers are a list of their own.
  package var maxHeaderFields = 128
  /// A list that is refused is read on, for the sake of the compression table, but not beyond this.
  package var maxHeaderFloodBytes = 1 << 20
  /// Counted by the library in parts that arrive apart, not in frames.
  package var maxContinuations = 64

  /// From the accepted connection to the peer's preface and SETTINGS.
  package var handshakeTimeout = TimeAmount.seconds(10)
  /// From our SETTINGS to their acknowledgement.
  package var settingsTimeout = TimeAmount.seconds(10)
  /// From the start of a header list to its end.
  package var headerTimeout = TimeAmount.seconds(10)
  /// Without a byte of a request that is due: an unfinished message, or that of a unary call.
  package var bodyIdleTimeout = TimeAmount.seconds(60)
  /// Without a byte taken by the peer while there are some to send.
  package var writeTimeout = TimeAmount.seconds(60)

  /// Resets that the peer sends: a bucket of so many, refilled at a rate.
  package var maxResetsReceived = 200
  /// 0: what the bucket held at first is all.
  package var resetsReceivedPerSecond = 20
  /// Resets that the peer makes us send by breaking the protocol.
  package var maxResetsSent = 200
  /// 0: as above.
  package var resetsSentPerSecond = 20
  /// PRIORITY, WINDOW_UPDATE and unknown frames: a base for the connection…
  package var maxControlFrames = 1000
  /// …more for every stream opened…
  package var controlFramesPerStream = 100
  /// …for every DATA frame that we sent…
  package var controlFramesPerDataFrame = 10
  /// …and for every message in them: one for its stream's window and one for the connection's, twice.
  package var controlFramesPerMessage = 4
  /// SETTINGS that the peer sends, without acknowledgements: a bucket as for resets.
  package var maxSettings = 100
  /// 0: as above.
  package var settingsPerSecond = 10
  /// Acknowledgements of SETTINGS and PING that the peer has not taken.
  package var maxQueuedAcks = 1000
  /// In a row, without END_STREAM.
  package var maxEmptyDataFrames = 16

  /// What a connection may hold for a peer that does not take it, in all streams together, before
  /// the next message is refused; one message may be larger than that.
  package var maxBufferedBytesPerConnection = 64 << 20
  /// What a connection may hold in the same way where ``bufferBudget`` is used up, and of what its peer
  /// sent where that has a budget.
  package var bufferedBytesShare = 1 << 20
  /// What all connections that share it may hold; nil: each counts for itself alone.
  package var bufferBudget: BufferBudget?
  /// What it may hold of what a peer sent and no handler has taken, before it stops the peer.
  package var maxUnreadBytesPerConnection = 16 << 20
  /// A call with more than this waiting is not writable…
  package var callHighWaterMark = 256 << 10
  /// …until it has less than this.
  package var callLowWaterMark = 64 << 10

  /// Quiet for so long, the peer is asked whether it is there.
  package var keepaliveTime = TimeAmount.hours(2)
  /// For the answer, or any other byte of the peer; then the connection is closed without a word.
  package var keepaliveTimeout = TimeAmount.seconds(20)
  /// Pings closer together than this are strikes, where calls run: half of the ten seconds that
  /// clients are promised, so that none strikes for having been held up on its way…
  package var minPingInterval = TimeAmount.seconds(5)
  /// …and where none do.
  package var minPingIntervalWithoutCalls = TimeAmount.hours(2)
  /// With true, ``minPingInterval`` holds without calls too.
  package var permitsPingsWithoutCalls = false
  /// So many are borne until HEADERS or DATA are sent again; the next one ends the connection. 0: none.
  package var maxPingStrikes = 2

  /// Without a call for so long, the connection is shut down; nil: never.
  package var maxConnectionIdle: TimeAmount?
  /// As old as this, give or take a tenth, it is shut down; nil: never.
  package var maxConnectionAge: TimeAmount?
  /// For calls that still run then; nil: as long as they take.
  package var maxConnectionAgeGrace: TimeAmount?
  /// Between the first GOAWAY and the second, where the peer does not answer the ping between them.
  package var drainPingTimeout = TimeAmount.seconds(5)
  /// For a peer to close once we have.
  package var lingerTimeout = TimeAmount.seconds(1)

  /// Whether clients may open WebSockets as streams. Source: RFC 8441.
  package var takesWebSockets = false
  /// What a client of HTTP/1 reads before its connection is closed; nil: nothing.
  package var http1Answer: HTTPAnswer?

  /// Nil: limits strike and nobody is told.
  package var limitObserver: (any LimitObserver)?

  package init() {}
}
