// gRPC C++ as a byte echo: bench.Echo/Unary and bench.Echo/Stream through its callback API, with no
// protobuf, so that it does what the others do.
// usage: grpc_echo PORT
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>

#include <cstdio>
#include <string>

namespace {

class Echo : public grpc::ServerGenericBidiReactor {
 public:
  explicit Echo(bool is_stream) : is_stream_(is_stream) { StartRead(&message_); }

  void OnReadDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    if (is_stream_) return StartWrite(&message_);
    StartWriteAndFinish(&message_, grpc::WriteOptions(), grpc::Status::OK);
  }

  void OnWriteDone(bool ok) override {
    if (!is_stream_) return;
    if (!ok) return Finish(grpc::Status::CANCELLED);
    StartRead(&message_);
  }

  void OnDone() override { delete this; }

 private:
  const bool is_stream_;
  grpc::ByteBuffer message_;
};

class Service : public grpc::CallbackGenericService {
  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    return new Echo(context->method() == "/bench.Echo/Stream");
  }
};

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    std::fprintf(stderr, "usage: grpc_echo PORT\n");
    return 2;
  }
  Service service;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:" + std::string(arguments[1]),
                           grpc::InsecureServerCredentials(), &port);
  builder.RegisterCallbackGenericService(&service);
  auto server = builder.BuildAndStart();
  if (!server) return 1;
  std::printf("listening on 127.0.0.1:%d\n", port);
  std::fflush(stdout);
  server->Wait();
}
