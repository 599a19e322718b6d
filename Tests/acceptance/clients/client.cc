// A client from generated code alone: `client ADDRESS`. Says what it saw, a line each; exits with 1
// and a line on standard error at the first thing that is not as it should be.
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>

#include "tables.grpc.pb.h"

namespace {

void expect(bool condition, const std::string& what) {
  if (condition) return;
  std::cerr << "failed: " << what << std::endl;
  std::exit(1);
}

std::unique_ptr<grpc::ClientContext> context() {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  return context;
}

void expect_ok(const grpc::Status& status, const std::string& what) {
  expect(status.ok(), what + ": " + status.error_message());
}

}  // namespace

int main(int argc, char** argv) {
  expect(argc == 2, "usage: client ADDRESS");
  auto channel = grpc::CreateChannel(argv[1], grpc::InsecureChannelCredentials());
  auto stub = tables::TodoItemsTable::NewStub(channel);

  tables::TodoItems row, stored;
  row.set_title("from C++");
  expect_ok(stub->Create(context().get(), row, &stored), "Create");
  expect(!stored.id().empty() && stored.version() > 0, "the server gives id and version");
  expect(stored.has_completed() && !stored.completed(), "a default has presence");
  const std::string id = stored.id();

  datasync::v1::GetRequest get;
  get.set_id(id);
  tables::TodoItems got;
  expect_ok(stub->Get(context().get(), get, &got), "Get");
  expect(got.SerializeAsString() == stored.SerializeAsString(), "Get gives what Create gave");

  tables::TodoItemsUpdate update;
  update.mutable_row()->set_id(id);
  update.mutable_row()->set_completed(true);
  update.set_if_version(stored.version());
  tables::TodoItems updated;
  expect_ok(stub->Update(context().get(), update, &updated), "Update");
  expect(updated.completed() && updated.title() == "from C++", "only what is set is written");
  grpc::Status again = stub->Update(context().get(), update, &got);
  expect(again.error_code() == grpc::StatusCode::FAILED_PRECONDITION, "an old version is refused");

  datasync::v1::QueryRequest query;
  query.set_filter("title eq 'from C++' and completed");
  query.set_count(true);
  tables::TodoItemsPage page;
  expect_ok(stub->Query(context().get(), query, &page), "Query");
  expect(page.total() == 1 && page.rows_size() == 1 && page.rows(0).id() == id, "Query finds it");

  auto watching = context();
  datasync::v1::SubscribeRequest subscribe;
  subscribe.set_filter("title eq 'from C++'");
  auto events = stub->Watch(watching.get(), subscribe);
  tables::TodoItemsEvent event;
  expect(events->Read(&event), "the initial row comes");
  expect(event.operation() == datasync::v1::Change::ADD && event.initial(), "it is an ADD");
  expect(event.row().id() == id && event.sequence() == updated.version(), "it is the row");
  expect(events->Read(&event) && event.checkpoint().current(), "a checkpoint follows");
  datasync::v1::DeleteRequest gone;
  gone.set_id(id);
  expect_ok(stub->Delete(context().get(), gone, &got), "Delete");
  do {
    expect(events->Read(&event), "the change comes");
  } while (event.has_checkpoint());
  expect(event.operation() == datasync::v1::Change::DELETE && event.id() == id, "it is a DELETE");
  watching->TryCancel();
  events->Finish();

  std::cout << "ok " << id << std::endl;
  return 0;
}
