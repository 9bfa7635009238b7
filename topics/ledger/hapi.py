"""The Hedera API's protobufs, and the only module that imports the SDK that ships them.

hiero-sdk-python's client loops lose messages and block; its generated protobufs are sound, and they are what
this project takes from it. Importing all of it takes 0.2 s and 15 MB, in each daemon and each command.
"""

from __future__ import annotations

from topics.ledger.bare_package import bare_package

with bare_package("hiero_sdk_python"):
    from hiero_sdk_python.hapi.mirror import consensus_service_pb2 as mirror_consensus
    from hiero_sdk_python.hapi.mirror import consensus_service_pb2_grpc as mirror_consensus_grpc
    from hiero_sdk_python.hapi.mirror import mirror_network_service_pb2 as mirror_network
    from hiero_sdk_python.hapi.mirror import mirror_network_service_pb2_grpc as mirror_network_grpc
    from hiero_sdk_python.hapi.services import (
        basic_types_pb2 as basic_types,
    )
    from hiero_sdk_python.hapi.services import (
        consensus_create_topic_pb2 as create_topic,
    )
    from hiero_sdk_python.hapi.services import (
        consensus_get_topic_info_pb2 as get_topic_info,
    )
    from hiero_sdk_python.hapi.services import (
        consensus_service_pb2_grpc as consensus_grpc,
    )
    from hiero_sdk_python.hapi.services import (
        consensus_submit_message_pb2 as submit_message,
    )
    from hiero_sdk_python.hapi.services import (
        consensus_topic_info_pb2 as topic_info,
    )
    from hiero_sdk_python.hapi.services import (
        crypto_create_pb2 as crypto_create,
    )
    from hiero_sdk_python.hapi.services import (
        crypto_get_account_balance_pb2 as get_balance,
    )
    from hiero_sdk_python.hapi.services import (
        crypto_get_info_pb2 as get_account_info,
    )
    from hiero_sdk_python.hapi.services import (
        crypto_service_pb2_grpc as crypto_grpc,
    )
    from hiero_sdk_python.hapi.services import (
        crypto_transfer_pb2 as crypto_transfer,
    )
    from hiero_sdk_python.hapi.services import (
        duration_pb2 as duration,
    )
    from hiero_sdk_python.hapi.services import (
        exchange_rate_pb2 as exchange_rate,
    )
    from hiero_sdk_python.hapi.services import (
        network_get_version_info_pb2 as get_version_info,
    )
    from hiero_sdk_python.hapi.services import (
        network_service_pb2_grpc as network_grpc,
    )
    from hiero_sdk_python.hapi.services import (
        query_header_pb2 as query_header,
    )
    from hiero_sdk_python.hapi.services import (
        query_pb2 as query,
    )
    from hiero_sdk_python.hapi.services import (
        response_code_pb2 as response_code,
    )
    from hiero_sdk_python.hapi.services import (
        response_header_pb2 as response_header,
    )
    from hiero_sdk_python.hapi.services import (
        response_pb2 as response,
    )
    from hiero_sdk_python.hapi.services import (
        timestamp_pb2 as timestamp,
    )
    from hiero_sdk_python.hapi.services import (
        transaction_contents_pb2 as transaction_contents,
    )
    from hiero_sdk_python.hapi.services import (
        transaction_get_receipt_pb2 as get_receipt,
    )
    from hiero_sdk_python.hapi.services import (
        transaction_get_record_pb2 as get_record,
    )
    from hiero_sdk_python.hapi.services import (
        transaction_pb2 as transaction,
    )
    from hiero_sdk_python.hapi.services import (
        transaction_receipt_pb2 as transaction_receipt,
    )
    from hiero_sdk_python.hapi.services import (
        transaction_record_pb2 as transaction_record,
    )
    from hiero_sdk_python.hapi.services import (
        transaction_response_pb2 as transaction_response,
    )

__all__ = [
    "basic_types",
    "consensus_grpc",
    "create_topic",
    "crypto_create",
    "crypto_grpc",
    "crypto_transfer",
    "duration",
    "exchange_rate",
    "get_account_info",
    "get_balance",
    "get_receipt",
    "get_record",
    "get_topic_info",
    "get_version_info",
    "mirror_consensus",
    "mirror_consensus_grpc",
    "mirror_network",
    "mirror_network_grpc",
    "network_grpc",
    "query",
    "query_header",
    "response",
    "response_code",
    "response_header",
    "submit_message",
    "timestamp",
    "topic_info",
    "transaction",
    "transaction_contents",
    "transaction_receipt",
    "transaction_record",
    "transaction_response",
]
