"""A database whose files are replaced under the server: refused with a reason, not written to nowhere."""

import os
import sqlite3

import pytest

import crash
from errors import Refused
from server import until
from session import Session


HOWS = ["replaced", "removed", "without its log", "without its index", "with its log cut"]


@pytest.mark.parametrize("how", HOWS)
def test_a_file_that_is_gone_ends_the_service_with_a_reason(serve, tmp_path, how):
    server = serve("ledger.db", "--schema", crash.LEDGER, "--attach")
    with Session(server, client_id="c") as session:
        session.create("accounts", id="a", tag="a")
        if how == "replaced":
            copy = tmp_path / "copy.db"
            source, target = sqlite3.connect(server.database), sqlite3.connect(copy)
            source.backup(target)
            source.close()
            target.close()
            os.replace(copy, server.database)
        elif how == "removed":
            os.unlink(server.database)
        elif how == "with its log cut":
            os.truncate(f"{server.database}-wal", 0)
        else:
            # What is written into a log that has no name is seen by nobody after us.
            os.unlink(f"{server.database}-{'wal' if how == 'without its log' else 'shm'}")

        def refusal():
            try:
                session.update("accounts", id="a", tag="b")
            except Refused as error:
                return error
            return None

        error = until(refusal, 10, "it writes on into a file without a name")
        assert (error.code, error.reason) == ("UNAVAILABLE", "DATABASE_REPLACED")
        with pytest.raises(Refused) as read:
            session.page("accounts")
        assert read.value.reason == "DATABASE_REPLACED"
    assert server.terminate() == 0
    if how != "removed":
        # What is there is served once started again.
        server.start()
        with Session(server, client_id="c") as session:
            if how == "with its log cut":
                # What was in the log alone is lost, which the log said, and the database is as sound as it was.
                assert "after_sequence=" in server.log()
                session.create("accounts", id="b", tag="b")
                with sqlite3.connect(server.database) as connection:
                    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            else:
                assert session.get("accounts", "a")
