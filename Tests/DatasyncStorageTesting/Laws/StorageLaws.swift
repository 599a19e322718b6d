/// What every store must do, as checks that take any store; see ``Storage``. Namespace.
package enum StorageLaws {
  package static let all =
    durable + order + answers + requests + expectations + once + snapshots + log + foreign + rules
    + bounds
}
