import DatasyncModel

/// The comments of what every table gets alike: its service's methods, the messages of these, and the
/// system fields. Where the contract has a twin with a comment, the words are the contract's.
enum TableComments {
  /// With more tables, the comments alike for all would make the file too large for the 4 MiB that a
  /// gRPC client takes; those of the schema stay.
  static let maxTables = 200

  /// By the method's name.
  static func method(_ name: String) -> String {
    methods[name] ?? ""
  }

  /// By the ending of the message's name.
  static func message(_ ending: String) -> String {
    messages[ending] ?? ""
  }

  /// By the ending of the message's name and the field's.
  static func field(_ name: String, of ending: String) -> String {
    (ending == "Page" || ending == "Event" ? answered : written)[name] ?? ""
  }

  /// Of a column that the server or the database writes; empty for the others.
  static func column(_ index: Int, of table: Table) -> String {
    switch SystemColumn(rawValue: index) {
    case .key:
      table.hasIntegerKey
        ? "The key. Absent on create: the next integer."
        : "The key. Absent or empty on create: made by the server, a UUID."
    case .createdAt, .updatedAt:
      "Set by the server; ignored on create and in every other write."
    case .version:
      "The sequence of the change that wrote the row, for if_version.\n"
        + "Set by the server; ignored on create and in every other write."
    case .deleted:
      "Ignored on create; written by Replace and Update with include_deleted."
    case nil:
      table.columns[index].isGenerated
        ? "Computed by the database; ignored on create and in every other write." : ""
    }
  }

  private static let methods = [
    "Create": "Writes a new row; a field that is absent becomes the column's default.",
    "Get": "The row of an id. Leave `table` empty in this and every request of the service.",
    "Replace": "Every field is written; an absent one becomes the column's default.",
    "Update":
      "Only the fields in update_mask are written (absent in the row: NULL);\n"
      + "with no mask, the fields that are present.",
    "Delete": "Removes the row, or marks it deleted; answers with its last image.",
    "Query": "The rows that match a filter, in order, page by page.",
    "Watch": "The rows as they are, then every change to them.",
  ]

  private static let messages = [
    "Replace": "Every field is written; an absent one becomes the column's default.",
    "Update":
      "Only the fields in update_mask are written (absent in the row: NULL);\n"
      + "with no mask, the fields that are present.",
    "Page": "One page of a query.",
    "Event":
      "A change as this subscription sees it, or a checkpoint, or a row that cannot be read.",
  ]

  private static let written = [
    "row": "Names the row by its key; system fields other than the key are ignored.",
    "update_mask": "Field names; empty: the fields that are present in the row.",
    "if_version": "Not 0: the write happens only if the stored row has exactly this version.",
    "allow_missing": "Creates the row where there is none.",
    "include_deleted": "Reaches a row that is marked deleted, and writes `deleted`.",
    "mutation_id":
      "Not empty: the same id from the same client is carried out once; a repeat\n"
      + "returns the first result.",
  ]

  private static let answered = [
    "rows": "As many as page_size allows.",
    "next_page_token": "For the page_token of the next page; empty: this is the last.",
    "total": "Rows that match the filter, before skip and top; only where asked for.",
    "resume_token": "The position this page was read at: subscribe after it and nothing is missed.",
    "errors":
      "Rows that belong to this page but cannot be read, because a stored value\n"
      + "does not fit its column or the row is larger than a message. Each names table,\n"
      + "id and column, reason UNREADABLE, and stands for a row in page_size, top, skip\n"
      + "and total.",
    "operation": "What happened to the row, in this view; not set with a checkpoint.",
    "id": "The row's key, as text.",
    "sequence":
      "Position in the commit order of the database; strictly rising within a\n"
      + "subscription after the initial rows. Equals the row's `version`.",
    "row": "The row after the change; on DELETE absent.",
    "previous":
      "The row before it, as far as the caller could see it; only where asked for.",
    "changed_fields": "The fields whose value changed; empty for ADD and DELETE.",
    "own": "The change was made by this client id.",
    "more": "More changes of the same commit follow in this subscription.",
    "initial": "Part of the initial rows.",
    "left_view": "On DELETE: the row still exists, undeleted, but not in this view.",
    "origin": "The client id of the writer; empty where written outside the server.",
    "committed_at": "When the change was committed.",
    "checkpoint": "Everything up to here has been sent.",
    "unreadable":
      "A row that a query would list under `errors`: it is in no view while it is so.\n"
      + "Then nothing else is set.",
  ]
}
