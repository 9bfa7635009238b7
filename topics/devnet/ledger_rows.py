"""Everything on the ledger as JSON rows: what a test holds against what its program believes."""

from __future__ import annotations

from topics.devnet.mirror_index import MirrorTopic
from topics.devnet.mirror_rows import Row, message_row, topic_row, transaction_row
from topics.devnet.network import Network


def ledger_rows(network: Network) -> Row:
    """Topics with their messages, all transactions, all balances; as of consensus, not as late as the mirror.

    Rows are the mirror's own. A topic has `sequence_number` and `messages` besides, oldest first.
    """
    topics: dict[str, Row] = {
        str(topic.entity.id): topic_row(MirrorTopic(topic.entity))
        | {"sequence_number": topic.position.sequence, "messages": []}
        for topic in network.state.topics.values()
    }
    transactions = []
    for record in network.mirror.everything():
        transactions.append(transaction_row(record))
        if record.message is not None:
            topics[str(record.message.topic_id)]["messages"].append(message_row(record.message))
    accounts = [{"account": str(each.entity.id), "balance": each.balance} for each in network.state.accounts.values()]
    return {"topics": list(topics.values()), "transactions": transactions, "accounts": accounts}
