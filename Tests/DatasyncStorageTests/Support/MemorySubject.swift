import DatasyncModel
import DatasyncStorage
import DatasyncStorageTesting

/// Stores in memory on trial. A value.
struct MemorySubject: StorageSubject {
  var fault: MemoryFault?
  var patience: Duration = .seconds(20)

  func open(
    _ wishes: StorageWishes, observer: any StorageObserver
  ) throws -> any StorageOnTrial {
    var options = MemoryOptions(catalog: LawTables.catalog)
    options.defaults = LawTables.defaults
    options.maxQueuedWrites = wishes.maxQueuedWrites
    options.maxQueuedWriteBytes = wishes.maxQueuedWriteBytes
    options.maxQueuedReads = wishes.maxQueuedReads
    options.maxLogBytes = wishes.maxLogBytes
    options.gatheringTime = wishes.gatheringTime
    options.fault = fault
    return MemoryOnTrial(options, MemoryDisk(), observer)
  }

  private final class MemoryOnTrial: StorageOnTrial {
    let memory: MemoryStorage
    private let options: MemoryOptions

    var storage: any Storage { memory }

    init(_ options: MemoryOptions, _ disk: MemoryDisk, _ observer: any StorageObserver) {
      self.options = options
      memory = MemoryStorage(options, disk: disk, observer: observer)
    }

    func writeAsOther(_ changes: [ForeignChange]) { memory.writeAsOther(changes) }
    func makeLateTable() { memory.serve(LawTables.laterCatalog) }
    func removeLateTable() { memory.serve(LawTables.lastCatalog) }

    func afterCrash(observer: any StorageObserver) -> any StorageOnTrial {
      MemoryOnTrial(options, memory.disk.copy(), observer)
    }

    func reopened(observer: any StorageObserver) -> any StorageOnTrial {
      MemoryOnTrial(options, memory.disk, observer)
    }
  }
}
