"""google.rpc.Status, read: the code, the reason, and what the details hold."""

import contextlib

import grpc
from google.rpc import error_details_pb2, status_pb2

CODES = {code.value[0]: code.name for code in grpc.StatusCode}


class Refused(Exception):
    """A request that failed: `code` is the name of the google.rpc.Code."""

    def __init__(self, status, contract=None):
        self.code = CODES.get(status.code, str(status.code))
        self.message = status.message
        self.reason = ""
        self.domain = ""
        self.metadata = {}
        self.violations = []
        self.retry = None
        self.row = None
        for detail in status.details:
            kind = detail.type_url.rsplit("/", 1)[-1]
            if kind == "google.rpc.ErrorInfo":
                info = error_details_pb2.ErrorInfo.FromString(detail.value)
                self.reason, self.domain = info.reason, info.domain
                self.metadata = dict(info.metadata)
            elif kind == "google.rpc.BadRequest":
                bad = error_details_pb2.BadRequest.FromString(detail.value)
                self.violations = [(v.field, v.description) for v in bad.field_violations]
            elif kind == "google.rpc.RetryInfo":
                self.retry = error_details_pb2.RetryInfo.FromString(detail.value)
            elif contract is not None:
                self.row = contract.row_of(detail)
        super().__init__(f"{self.code} {self.reason}: {self.message} {self.metadata}")


def status_of(message):
    """A status in whatever pool, as the standard one."""
    return status_pb2.Status.FromString(message.SerializeToString())


def refused_by(error, contract=None):
    """What a grpc.RpcError says, its details included."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            status = status_pb2.Status.FromString(value)
            assert status.code == error.code().value[0], "details and status disagree"
            assert status.message == error.details(), "details and message disagree"
            return Refused(status, contract)
    return Refused(
        status_pb2.Status(code=error.code().value[0], message=error.details() or ""), contract
    )


@contextlib.contextmanager
def refusals(contract=None):
    """Turns grpc.RpcError into Refused."""
    try:
        yield
    except grpc.RpcError as error:
        raise refused_by(error, contract) from None


class Expected:
    """What `refused` caught."""

    value = None

    def __getattr__(self, name):
        return getattr(self.value, name)


@contextlib.contextmanager
def refused(code, reason=None):
    """The block must fail with that code and reason, a message for people, and our domain."""
    caught = Expected()
    try:
        yield caught
    except Refused as error:
        caught.value = error
        check(error, code, reason)
    else:
        raise AssertionError(f"answered, where {code} {reason} was expected")


def check(error, code, reason=None):
    codes = code if isinstance(code, tuple) else (code,)
    assert error.code in codes, f"{error.code} instead of {code}: {error}"
    assert error.message, "an error says what and where"
    if reason is not None:
        assert error.reason == reason, f"{error.reason} instead of {reason}: {error}"
        assert error.domain == "datasync", error.domain
    return error
