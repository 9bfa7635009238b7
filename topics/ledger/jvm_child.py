"""The process that holds the Java SDK (package `hedera-sdk-py`): `python -m topics.ledger.jvm_child`, over its pipes.

A JVM can take its process down, so it has one of its own. Two rules keep it up, and right:

- No Python function is ever handed to Java: a null for one is a SIGSEGV.
- One thread alone touches Java. pyjnius keeps the object of a call in a method that the whole class shares
  (kivy/pyjnius#287, #563): with 32 threads one call got the receipt of another within seconds, or the JVM aborted.

So calls are begun with `executeAsync` and looked after by one event loop. It ends when its standard input does, thus
also with whoever started it.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Sequence
from typing import Any, BinaryIO

from topics.ledger.jvm_wire import (
    Answer,
    AskBalance,
    AskReceipt,
    Carry,
    NoAnswer,
    Ready,
    Reply,
    Request,
    Target,
    frame,
    requests,
)

JVM_OPTIONS = (
    "-Xrs",  # signals stay Python's
    "-Xmx256m",
    "-XX:+UseSerialGC",  # fewer threads; this is no throughput program
    "-XX:TieredStopAtLevel=1",  # starts sooner
    "-XX:-UsePerfData",
    "-XX:ErrorFile=/dev/null",  # a crash dump holds memory
)
_READ_BYTES = 65536
_FIRST_LOOK_S = 0.001
_LAST_LOOK_S = 0.01
_LATE_S = 1.0
_SHORTEN = (
    "setMinBackoff",
    "setMaxBackoff",
    "setNodeMinBackoff",
    "setNodeMaxBackoff",
    "setMinNodeReadmitTime",
    "setMaxNodeReadmitTime",
)
_PRECHECK = re.compile(r"pre-check with the status `([A-Z0-9_]+)`")


class Sdk:
    """The SDK, a client of it for each node, told to do each thing once: who asks chooses nodes, retries and ids."""

    def __init__(self) -> None:
        import jnius_config  # noqa: PLC0415 - in this process only

        jnius_config.add_options(*JVM_OPTIONS)
        import hedera  # noqa: PLC0415 - starts the JVM
        import jnius  # noqa: PLC0415 - likewise

        self.version: str = hedera.__version__
        self._java: Any = hedera
        self._class = jnius.autoclass
        self._failure: type[BaseException] = jnius.JavaException
        self._clients: dict[Target, Any] = {}
        self._reached: set[Target] = set()

    async def do(self, request: Request) -> Reply:
        """One call to one node."""
        deadline = asyncio.get_running_loop().time() + request.timeout_s
        try:
            await self._connect(request)
            body = await self._call(request, deadline)
        except OSError as error:  # TimeoutError too
            return NoAnswer(request.number, str(error) or "no connection in time")
        except self._failure as error:
            return told(request.number, str(error), getattr(error, "stacktrace", None) or ())
        self._reached.add(request.node)
        return Answer(request.number, "OK", body)

    async def _call(self, request: Request, deadline: float) -> bytes:
        match request:
            case Carry():
                signed = self._java.Transaction.fromBytes(request.transaction).setMaxAttempts(1)
                signed.setRegenerateTransactionId(False)
                await self._executed(signed, request.node, deadline)
                return b""
            case AskReceipt():
                asked = self._java.TransactionId.fromString(request.transaction_id)
                query = self._java.TransactionReceiptQuery().setTransactionId(asked)
                receipt = await self._executed(self._at(query, request.node), request.node, deadline)
                return bytes(receipt.toBytes())
            case AskBalance():
                account = self._java.AccountId.fromString(request.account)
                query = self._java.AccountBalanceQuery().setAccountId(account)
                balance = await self._executed(self._at(query, request.node), request.node, deadline)
                return bytes(balance.toBytes().toByteArray())

    def _at(self, query: Any, node: Target) -> Any:
        # Without the node's account the SDK looks for a healthy node, and where there is none it never answers.
        account = self._java.AccountId.fromString(node.account)
        return query.setNodeAccountIds(self._class("java.util.Collections").singletonList(account)).setMaxAttempts(1)

    def _client(self, node: Target) -> Any:
        if node not in self._clients:
            addresses = self._class("java.util.HashMap")()
            if not node.book:
                addresses.put(node.address, self._java.AccountId.fromString(node.account))
            client = self._java.Client.forNetwork(addresses)
            if node.book:  # checks the node's certificate against the book's hash
                book = self._class("com.google.protobuf.ByteString").copyFrom(node.book)
                client.setNetworkFromAddressBook(self._java.NodeAddressBook.fromBytes(book))
            client.setMaxAttempts(1)
            client.setDefaultRegenerateTransactionId(False)
            # Else it sleeps, 8 s by default, before it talks to a node that failed once.
            for shorten in _SHORTEN:
                getattr(client, shorten)(self._java.JDuration.ofMillis(1))
            self._clients[node] = client
        return self._clients[node]

    async def _executed(self, executable: Any, node: Target, deadline: float) -> Any:
        """Look whether it is done, a little less often each time: Java can't call us."""
        clock = asyncio.get_running_loop().time
        left_ms = max(1, int((deadline - clock()) * 1000))
        future = executable.executeAsync(self._client(node), self._java.JDuration.ofMillis(left_ms))
        pause = _FIRST_LOOK_S
        while not future.isDone():
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, _LAST_LOOK_S)
            if clock() > deadline + _LATE_S:
                raise TimeoutError("the SDK never came back with it")
        return future.join()

    async def _connect(self, request: Request) -> None:
        """Raise OSError at a node where nothing listens: the SDK would spend all of the timeout on its first try."""
        if request.node not in self._reached:
            host, _, port = request.node.address.rpartition(":")
            async with asyncio.timeout(request.timeout_s):
                _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
            writer.close()


def told(number: int, text: str, trace: Sequence[str]) -> Reply:
    """What an exception of the SDK says of the call: the node's status if there was one, else why there was none.

    `trace` is the exception's lines, causes included; the innermost cause counts.
    """
    causes = [str(trace[index + 1]) for index in range(len(trace) - 1) if trace[index] == "Caused by:"]
    reason = causes[-1] if causes else str(trace[0]) if trace else text
    status = _PRECHECK.search(reason)
    return Answer(number, status[1]) if status else NoAnswer(number, reason)


async def serve(incoming: BinaryIO, outgoing: BinaryIO) -> None:
    """Answer what comes in, many at a time, until that ends."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), incoming)
    frames, sdk = requests(), Sdk()

    def say(value: Ready | Reply) -> None:
        outgoing.write(frame(value))
        outgoing.flush()

    async def answer(request: Request) -> None:
        say(await sdk.do(request))

    say(Ready(sdk.version))
    async with asyncio.TaskGroup() as calls:
        while data := await reader.read(_READ_BYTES):
            for request in frames.feed(data):
                calls.create_task(answer(request))
        os._exit(0)  # what is under way is for the next process; the JVM's threads don't hold us up


def _own_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Standard input and output for frames alone: whatever else prints does so to standard error."""
    incoming, outgoing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return incoming, outgoing


if __name__ == "__main__":
    asyncio.run(serve(*_own_pipes()))
    sys.exit(1)
