package import DatasyncHTTP2
package import NIOCore

// What the stream tells the call.
extension ServerCall: ServerStreamDelegate {
  package var call: ServerCall? { self }

  /// Delivers the messages that are whole now; ends the call where the server holds too much already.
  package func dataReceived(_ data: ByteBuffer, _ stream: ServerStream) {
    take(data, owing: data.readableBytes)
  }

  /// - Parameter bytes: To be consumed on the stream when the call is done with the data.
  @inline(__always)
  func take(_ data: ByteBuffer, owing bytes: Int) {
    unconsumedBytes += bytes
    guard handler != nil, !isEnding else {
      consume(unconsumedBytes)
      return
    }
    deframer.append(data)
    deliverMessages()
    countHeld()
    endWhereTooMuchIsHeld()
  }

  @inline(__always)
  func endWhereTooMuchIsHeld() {
    guard holdsSome, let limit = connection.requestLimit(adding: 0) else { return }
    connection.options.limitObserver?.limitReached(limit)
    end(
      inOrder: Status(
        .resourceExhausted,
        "the server holds too much of what clients have sent (\(limit.rawValue)): try again later"))
  }

  /// The half-close reaches the handler behind the last message, and not while reading is paused.
  package func endReceived(_ stream: ServerStream) {
    isHalfClosed = true
    deliverMessages()
  }

  package func drained(_ stream: ServerStream) {
    handler?.drained()
  }

  /// Cancels the handler unless the call was finished; no status can be sent any more.
  package func closed(_ stream: ServerStream, _ end: StreamEnd) {
    let handler = handler
    let wasFinished = answer == .finished
    if !wasFinished { letGo() }
    self.stream = nil
    answer = .finished
    guard !wasFinished || isWriting else { return }
    isWriting = false
    connection.callFinished(Status(.cancelled))
    switch end {
    case .closed: handler?.cancelled(stream.isResetByUs ? .aborted : .reset)
    case .connectionLost: handler?.cancelled(.connectionLost)
    }
  }

  // MARK: - Messages

  package func deliver() { deliverMessages() }

  /// Gives the handler what there is, until it pauses or ends the call.
  func deliverMessages() {
    guard !isDelivering else { return }
    isDelivering = true
    defer { isDelivering = false }
    while handler != nil, !isPaused, !isEnding {
      if connection.isTurnOver { return postpone() }
      switch deframer.next() {
      case .message(let message, let isCompressed):
        let bytes = message.readableBytes
        let start = connection.takeTurn(bytes)
        deliver(message, isCompressed)
        if let start { connection.tookTurn(since: start, bytes: bytes) }
      case .needsMore:
        // Consumed while it is put together: a message may be larger than the window.
        deframer.detach()
        consume(unconsumedBytes)
        if isHalfClosed { deliverHalfClose() } else { updateAwaitsBytes() }
        return
      case .failed(let status):
        guard status.code == .resourceExhausted else {
          return end(inOrder: malformed(status.message))
        }
        connection.options.limitObserver?.limitReached(.message)
        return end(inOrder: status)
      }
    }
    if handler != nil, !isEnding {
      deframer.detach()
      consume(unconsumedBytes - deframer.bufferedBytes)
      updateAwaitsBytes()
    }
  }

  private func postpone() {
    deframer.detach()
    // Nothing is waited for.
    stream?.awaitsBytes = false
    connection.postpone(self)
  }

  private func updateAwaitsBytes() {
    stream?.awaitsBytes =
      !isHalfClosed && !isPaused && (!isClientStreaming || deframer.bufferedBytes > 0)
  }

  private func deliver(_ message: ByteBuffer, _ isCompressed: Bool) {
    connection.link.countMessageReceived()
    if codec == .json {
      passJSON(message, isCompressed)
    } else if !isCompressed {
      pass(message, wasCompressed: false)
    } else if let decompressed = decompress(message) {
      pass(decompressed, wasCompressed: true)
    }
  }

  private func passJSON(_ message: ByteBuffer, _ isCompressed: Bool) {
    guard let json = isCompressed ? decompress(message) : message else { return }
    do throws(Status) {
      guard let transcoder = connection.options.web?.transcoder else {
        throw Status(.internal, "there is no JSON here")
      }
      pass(try transcoder.request(json: json, path: path), wasCompressed: isCompressed)
    } catch {
      if answersUnreadable, error.code == .invalidArgument,
        let answer = connection.options.web?.transcoder.answer(toUnreadable: json, path: path)
      {
        handler?.receivedUnreadable(answer: answer)
        return
      }
      end(inOrder: error.code == .invalidArgument ? malformed(error) : error)
    }
  }

  private func pass(_ message: ByteBuffer, wasCompressed: Bool) {
    guard !isClientStreaming else {
      handler?.received(message, wasCompressed: wasCompressed)
      return
    }
    guard heldMessage == nil else {
      abort(Status(.unimplemented, "more than one message for a method that takes one"))
      return
    }
    heldMessage = (message, wasCompressed)
    if let stream, !stream.isRemoteEnded { connection.settleLater(self) }
  }

  private func decompress(_ message: ByteBuffer) -> ByteBuffer? {
    guard let requestEncoding else {
      end(
        inOrder: Status(
          .internal, "a message is marked compressed, but the call names no encoding"))
      return nil
    }
    let limit = connection.options.maxMessageBytes
    do throws(Compression.Fault) {
      return try Compression.decompress(message, requestEncoding, maxBytes: limit)
    } catch .tooLarge {
      connection.options.limitObserver?.limitReached(.message)
      end(
        inOrder: Status(
          .resourceExhausted,
          "a message is decompressed over the limit of \(limit) (\(Limit.message.rawValue))"))
    } catch .outOfMemory {
      end(inOrder: Status(.resourceExhausted, "there is no memory to decompress a message"))
    } catch {
      end(inOrder: malformed("a compressed message is not \(requestEncoding.rawValue)"))
    }
    return nil
  }

  /// What a request that cannot be read is told in the call's protocol.
  func malformed(_ problem: String) -> Status {
    guard malformedMessageCode != .internal, let web = connection.options.web else {
      return Status(.internal, problem)
    }
    return web.transcoder.malformedMessage(problem)
  }

  private func malformed(_ status: Status) -> Status {
    malformedMessageCode == .internal ? Status(.internal, status.message) : status
  }

  private func deliverHalfClose() {
    guard !wasHalfCloseDelivered else { return }
    guard deframer.bufferedBytes == 0 else {
      end(inOrder: malformed("the request ends within a message"))
      return
    }
    wasHalfCloseDelivered = true
    stream?.awaitsBytes = false
    if !isClientStreaming {
      guard let held = heldMessage else {
        abort(Status(.unimplemented, "no message for a method that takes one"))
        return
      }
      heldMessage = nil
      handler?.received(held.message, wasCompressed: held.wasCompressed)
    }
    handler?.halfClosed()
  }

  // MARK: - Deadline

  /// Called when the read that brought the call has been delivered. Most calls are over by then, and
  /// need neither a timer nor a copy.
  func settle() {
    guard answer != .finished, stream != nil else { return }
    if let held = heldMessage {
      var copy = ByteBuffer()
      copy.writeImmutableBuffer(held.message)
      heldMessage = (copy, held.wasCompressed)
    }
    guard let deadline, deadlineTimer == nil else { return }
    deadlineTimer = try? eventLoop.assumeIsolated().scheduleCallback(at: deadline, handler: self)
  }
}

extension ServerCall: NIOScheduledCallbackHandler {
  /// The deadline has passed: the handler is cancelled, and the client gets DEADLINE_EXCEEDED, or a reset
  /// if there is still something before it that the client does not take.
  package func handleScheduledCallback(eventLoop: some EventLoop) {
    deadlineTimer = nil
    guard answer != .finished, let stream else { return }
    let status = Status(.deadlineExceeded, "the deadline has passed")
    guard stream.bufferedBytes > 0 else {
      abort(status, cause: .deadlineExceeded)
      return
    }
    // Behind what the client does not take, a status would come too late.
    let handler = handler
    self.handler = nil
    answer = .finished
    handler?.cancelled(.deadlineExceeded)
    letGo()
    connection.callFinished(status)
    stream.reset(.cancel)
  }
}
