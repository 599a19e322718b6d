// The public gRPC interoperability tests, with C++ as the client.
//
//   interop HOST:PORT [SOAK-CALLS]
//
// Prints one line for each case: "ok NAME" or "FAILED NAME: why".
// Source: grpc/doc/interop-test-descriptions.md.

#include <chrono>
#include <functional>
#include <iostream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <grpcpp/grpcpp.h>

#include "grpc/testing/test.grpc.pb.h"

using namespace grpc::testing;
using grpc::ClientContext;
using grpc::Status;
using grpc::StatusCode;
using Stub = TestService::Stub;

namespace {

std::string target;

void check(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error(what);
}

void check(const Status& status) {
  check(status.ok(), "status " + std::to_string(status.error_code()) + " " + status.error_message());
}

void check_code(const Status& status, StatusCode code) {
  check(status.error_code() == code, "status " + std::to_string(status.error_code()) +
                                         ", not " + std::to_string(code));
}

std::unique_ptr<ClientContext> context(int milliseconds = 20000) {
  auto context = std::make_unique<ClientContext>();
  context->set_deadline(std::chrono::system_clock::now() +
                        std::chrono::milliseconds(milliseconds));
  return context;
}

std::shared_ptr<grpc::Channel> channel() {
  grpc::ChannelArguments arguments;
  arguments.SetInt("grpc.use_local_subchannel_pool", 1);
  return grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments);
}

SimpleRequest large_request() {
  SimpleRequest request;
  request.set_response_size(314159);
  request.mutable_payload()->set_body(std::string(271828, '\0'));
  return request;
}

void large_unary_with(Stub& stub, ClientContext& context, const SimpleRequest& request) {
  SimpleResponse response;
  check(stub.UnaryCall(&context, request, &response));
  check(response.payload().body() == std::string(314159, '\0'), "another body");
}

StreamingOutputCallRequest output_request(const std::vector<int>& sizes, int request_size = 0) {
  StreamingOutputCallRequest request;
  for (int size : sizes) request.add_response_parameters()->set_size(size);
  if (request_size) request.mutable_payload()->set_body(std::string(request_size, '\0'));
  return request;
}

void empty_unary(Stub& stub) {
  Empty response;
  check(stub.EmptyCall(context().get(), Empty(), &response));
}

void large_unary(Stub& stub) { large_unary_with(stub, *context(), large_request()); }

void client_compressed_unary(Stub& stub) {
  auto request = large_request();
  request.mutable_expect_compressed()->set_value(true);
  SimpleResponse response;
  // The probe comes uncompressed.
  check_code(stub.UnaryCall(context().get(), request, &response), StatusCode::INVALID_ARGUMENT);
  for (auto algorithm : {GRPC_COMPRESS_GZIP, GRPC_COMPRESS_DEFLATE}) {
    auto compressed = context();
    compressed->set_compression_algorithm(algorithm);
    large_unary_with(stub, *compressed, request);
  }
}

void server_compressed_unary(Stub& stub) {
  for (bool wanted : {true, false}) {
    auto request = large_request();
    request.mutable_response_compressed()->set_value(wanted);
    large_unary_with(stub, *context(), request);
  }
}

void client_streaming(Stub& stub) {
  auto context = ::context();
  StreamingInputCallResponse response;
  auto writer = stub.StreamingInputCall(context.get(), &response);
  for (int size : {27182, 8, 1828, 45904}) {
    StreamingInputCallRequest request;
    request.mutable_payload()->set_body(std::string(size, '\0'));
    check(writer->Write(request), "a write failed");
  }
  writer->WritesDone();
  check(writer->Finish());
  check(response.aggregated_payload_size() == 74922, "another sum");
}

void server_streaming(Stub& stub) {
  auto context = ::context();
  const std::vector<int> sizes{31415, 9, 2653, 58979};
  auto reader = stub.StreamingOutputCall(context.get(), output_request(sizes));
  StreamingOutputCallResponse response;
  std::vector<int> got;
  while (reader->Read(&response)) got.push_back(response.payload().body().size());
  check(reader->Finish());
  check(got == sizes, "other sizes");
}

void server_compressed_streaming(Stub& stub) {
  auto context = ::context();
  auto request = output_request({31415, 92653});
  request.mutable_response_parameters(0)->mutable_compressed()->set_value(true);
  request.mutable_response_parameters(1)->mutable_compressed()->set_value(false);
  auto reader = stub.StreamingOutputCall(context.get(), request);
  StreamingOutputCallResponse response;
  std::vector<int> got;
  while (reader->Read(&response)) got.push_back(response.payload().body().size());
  check(reader->Finish());
  check(got == std::vector<int>{31415, 92653}, "other sizes");
}

void ping_pong(Stub& stub) {
  auto context = ::context();
  auto stream = stub.FullDuplexCall(context.get());
  StreamingOutputCallResponse response;
  const std::vector<std::pair<int, int>> sizes{{27182, 31415}, {8, 9}, {1828, 2653}, {45904, 58979}};
  for (auto [request, answer] : sizes) {
    check(stream->Write(output_request({answer}, request)), "a write failed");
    check(stream->Read(&response), "no answer");
    check(int(response.payload().body().size()) == answer, "another size");
  }
  stream->WritesDone();
  check(!stream->Read(&response), "one more answer");
  check(stream->Finish());
}

void empty_stream(Stub& stub) {
  auto context = ::context();
  auto stream = stub.FullDuplexCall(context.get());
  stream->WritesDone();
  StreamingOutputCallResponse response;
  check(!stream->Read(&response), "an answer");
  check(stream->Finish());
}

void custom_metadata(Stub& stub) {
  auto context = ::context();
  context->AddMetadata("x-grpc-test-echo-initial", "test_initial_metadata_value");
  context->AddMetadata("x-grpc-test-echo-trailing-bin", "\x0a\x0b\x0a\x0b\x0a\x0b");
  large_unary_with(stub, *context, large_request());
  auto initial = context->GetServerInitialMetadata().find("x-grpc-test-echo-initial");
  check(initial != context->GetServerInitialMetadata().end() &&
            initial->second == "test_initial_metadata_value",
        "no initial metadata");
  auto trailing = context->GetServerTrailingMetadata().find("x-grpc-test-echo-trailing-bin");
  check(trailing != context->GetServerTrailingMetadata().end() &&
            trailing->second == "\x0a\x0b\x0a\x0b\x0a\x0b",
        "no trailing metadata");
}

void status(Stub& stub, const std::string& message) {
  SimpleRequest request;
  request.mutable_response_status()->set_code(2);
  request.mutable_response_status()->set_message(message);
  SimpleResponse response;
  auto unary = stub.UnaryCall(context().get(), request, &response);
  check_code(unary, StatusCode::UNKNOWN);
  check(unary.error_message() == message, "another message: " + unary.error_message());
  auto context = ::context();
  auto stream = stub.FullDuplexCall(context.get());
  StreamingOutputCallRequest wanted;
  *wanted.mutable_response_status() = request.response_status();
  stream->Write(wanted);
  stream->WritesDone();
  StreamingOutputCallResponse answer;
  while (stream->Read(&answer)) {}
  auto duplex = stream->Finish();
  check_code(duplex, StatusCode::UNKNOWN);
  check(duplex.error_message() == message, "another message: " + duplex.error_message());
}

void status_code_and_message(Stub& stub) { status(stub, "test status message"); }

void special_status_message(Stub& stub) {
  status(stub, "\t\ntest with whitespace\r\nand Unicode BMP \u263A and non-BMP \U0001F608\t\n");
}

void unimplemented_method(Stub& stub) {
  Empty response;
  check_code(stub.UnimplementedCall(context().get(), Empty(), &response),
             StatusCode::UNIMPLEMENTED);
}

void unimplemented_service(Stub&) {
  auto stub = UnimplementedService::NewStub(channel());
  Empty response;
  check_code(stub->UnimplementedCall(context().get(), Empty(), &response),
             StatusCode::UNIMPLEMENTED);
}

void cancel_after_begin(Stub& stub) {
  auto context = ::context();
  StreamingInputCallResponse response;
  auto writer = stub.StreamingInputCall(context.get(), &response);
  context->TryCancel();
  check_code(writer->Finish(), StatusCode::CANCELLED);
}

void cancel_after_first_response(Stub& stub) {
  auto context = ::context();
  auto stream = stub.FullDuplexCall(context.get());
  stream->Write(output_request({31415}, 27182));
  StreamingOutputCallResponse response;
  check(stream->Read(&response), "no answer");
  context->TryCancel();
  check_code(stream->Finish(), StatusCode::CANCELLED);
}

void timeout_on_sleeping_server(Stub& stub) {
  auto context = ::context(1);
  auto stream = stub.FullDuplexCall(context.get());
  stream->Write(output_request({}, 27182));
  check_code(stream->Finish(), StatusCode::DEADLINE_EXCEEDED);
}

int soak_calls = 200;

void rpc_soak(Stub& stub) {
  for (int call = 0; call < soak_calls; call++) large_unary(stub);
}

void channel_soak(Stub&) {
  for (int call = 0; call < soak_calls / 4; call++) large_unary(*TestService::NewStub(channel()));
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) return 2;
  target = arguments[1];
  if (count > 2) soak_calls = std::stoi(arguments[2]);
#define CASE(name) {#name, name}
  const std::vector<std::pair<std::string, std::function<void(Stub&)>>> cases{
      CASE(empty_unary), CASE(large_unary), CASE(client_compressed_unary),
      CASE(server_compressed_unary), CASE(client_streaming), CASE(server_streaming),
      CASE(server_compressed_streaming), CASE(ping_pong), CASE(empty_stream),
      CASE(custom_metadata), CASE(status_code_and_message), CASE(special_status_message),
      CASE(unimplemented_method), CASE(unimplemented_service), CASE(cancel_after_begin),
      CASE(cancel_after_first_response), CASE(timeout_on_sleeping_server), CASE(rpc_soak),
      CASE(channel_soak)};
#undef CASE
  auto stub = TestService::NewStub(channel());
  for (const auto& [name, run] : cases) {
    try {
      run(*stub);
      std::cout << "ok " << name << std::endl;
    } catch (const std::exception& error) {
      std::cout << "FAILED " << name << ": " << error.what() << std::endl;
    }
  }
}
