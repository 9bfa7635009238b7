"""The same submits through the SDKs' own loops: `python -m benchmarks._sdks`, orders on standard input.

Each as its documentation has it: build, sign, execute, get the receipt, one after the other, in as many threads (or,
where its threads don't hold, futures) as it stands.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from hiero_sdk_python import (
    AccountId,
    Client,
    PrivateKey,
    ResponseCode,
    TopicCreateTransaction,
    TopicMessageSubmitTransaction,
)
from hiero_sdk_python.exceptions import MaxAttemptsError, PrecheckError, ReceiptStatusError

FAILURES = (MaxAttemptsError, PrecheckError, ReceiptStatusError, RuntimeError)


def hiero(orders: dict[str, Any]) -> dict[str, Any]:
    """hiero-sdk-python: one client, so many threads."""
    client = Client.for_network({at: AccountId.from_string(account) for account, at in orders["nodes"].items()})
    key = PrivateKey.from_string(orders["key"])
    client.set_operator(AccountId.from_string(orders["operator"]), key)
    topic = TopicCreateTransaction().set_submit_key(key.public_key()).execute(client).topic_id

    def submit() -> bool:
        try:
            receipt = TopicMessageSubmitTransaction(topic, orders["message"]).execute(client)
        except FAILURES:
            return False
        return int(receipt.status or 0) == ResponseCode.SUCCESS

    found = _in_threads(submit, orders["at_a_time"], orders["seconds"])
    client.close()
    return found


def _in_threads(submit: Callable[[], bool], threads: int, seconds: float) -> dict[str, Any]:
    outcomes: list[bool] = []
    started, cpu_before_s = time.perf_counter(), time.process_time()

    def work() -> None:
        while time.perf_counter() < started + seconds:
            outcomes.append(submit())

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return _found(outcomes, started, cpu_before_s) | {"at_a_time": threads}


def hedera(orders: dict[str, Any]) -> dict[str, Any]:
    """hedera-sdk-py: one thread, as pyjnius mixes up objects between several; so many futures at a time."""
    import jnius_config  # noqa: PLC0415 - starts the JVM, which only this one wants

    jnius_config.add_options("-Xrs")
    import hedera as java  # noqa: PLC0415 - likewise
    from jnius import JavaException, autoclass  # noqa: PLC0415 - likewise

    addresses = autoclass("java.util.HashMap")()
    for account, at in orders["nodes"].items():
        addresses.put(at, java.AccountId.fromString(account))
    client = java.Client.forNetwork(addresses)
    key = java.PrivateKey.fromString(orders["key"])
    client.setOperator(java.AccountId.fromString(orders["operator"]), key)
    created = java.TopicCreateTransaction().setSubmitKey(key.getPublicKey()).execute(client)
    topic = created.getReceipt(client).topicId

    def build() -> Any:
        return java.TopicMessageSubmitTransaction().setTopicId(topic).setMessage(orders["message"])

    outcomes: list[bool] = []
    started, cpu_before_s = time.perf_counter(), time.process_time()
    while time.perf_counter() < started + orders["seconds"]:
        try:
            if orders["at_a_time"] == 1:
                build().execute(client).getReceipt(client)
            else:
                sent = [build().executeAsync(client) for _ in range(orders["at_a_time"])]
                asked = [each.join().getReceiptAsync(client) for each in sent]
                for each in asked:
                    each.join()
        except JavaException:
            outcomes += [False] * orders["at_a_time"]
        else:
            outcomes += [True] * orders["at_a_time"]
    return _found(outcomes, started, cpu_before_s) | {"at_a_time": orders["at_a_time"]}


def _found(outcomes: list[bool], started: float, cpu_before_s: float) -> dict[str, Any]:
    taken_s = time.perf_counter() - started
    succeeded = sum(outcomes)
    return {
        "transactions_per_s": round(succeeded / taken_s, 1),
        "failed": len(outcomes) - succeeded,
        "cpu_us_per_transaction": round((time.process_time() - cpu_before_s) / max(1, succeeded) * 1e6),
    }


SDKS = {"hiero-sdk-python": hiero, "hedera-sdk-py": hedera}

if __name__ == "__main__":
    given = json.load(sys.stdin)
    sys.stdout.write(json.dumps(SDKS[given["sdk"]](given)) + "\n")
