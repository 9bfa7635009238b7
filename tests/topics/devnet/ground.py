"""A network with a clock that stands still, and a client that signs by hand: what the devnet's tests stand on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from Crypto.Hash import keccak
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_private_key

from topics.devnet import protos
from topics.devnet.made_keys import MadeKey, make_ed25519
from topics.devnet.network import Network
from topics.devnet.record import Record
from topics.devnet.settings import HBAR, DevnetSettings
from topics.devnet.state import NODES
from topics.ledger.hapi import (
    basic_types,
    create_topic,
    crypto_transfer,
    submit_message,
    transaction,
    transaction_contents,
)
from topics.values import NANOS, AccountId, TopicId

NOON_NS = 1_700_000_000 * NANOS
FIRST, SECOND = NODES


def sign(key: MadeKey, content: bytes) -> basic_types.SignaturePair:
    """What a client puts into the signature map."""
    private = load_der_private_key(bytes.fromhex(key.private_der_hex), None)
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return basic_types.SignaturePair(pubKeyPrefix=key.public.ed25519, ed25519=private.sign(content))
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    digest = keccak.new(digest_bits=256, data=content).digest()
    r, s = decode_dss_signature(private.sign(digest, ec.ECDSA(Prehashed(SHA256()))))
    both = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return basic_types.SignaturePair(pubKeyPrefix=key.public.ECDSA_secp256k1, ECDSA_secp256k1=both)


def signed(body: transaction.TransactionBody, keys: Sequence[MadeKey]) -> transaction.Transaction:
    """A transaction with these keys' signatures."""
    content = body.SerializeToString()
    pairs = basic_types.SignatureMap(sigPair=[sign(key, content) for key in keys])
    inner = transaction_contents.SignedTransaction(bodyBytes=content, sigMap=pairs)
    return transaction.Transaction(signedTransactionBytes=inner.SerializeToString())


class Ground:
    """`now_ns` moves only where a test moves it, but for a microsecond with each new transaction id."""

    def __init__(self, **settings: Any) -> None:
        self.now_ns = NOON_NS
        chosen: dict[str, Any] = {"consensus_delay_s": 0, "mirror_delay_s": 0, "clock": lambda: self.now_ns}
        self.settings = DevnetSettings(**(chosen | settings))
        self.network = Network(self.settings, genesis_ns=NOON_NS)
        self.key = make_ed25519()
        self.operator = self.open_account(self.key, 1_000_000 * HBAR)

    def open_account(self, key: MadeKey, balance: int = HBAR) -> AccountId:
        """An account out of nothing."""
        return self.network.open_account(key.public, balance=balance, now_ns=self.now_ns).entity.id

    def advance(self, seconds: float = 0) -> None:
        """Let time pass."""
        self.now_ns += round(seconds * NANOS)
        self.network.advance(self.now_ns)

    def body(self, **fields: Any) -> transaction.TransactionBody:
        """A body with a new id of a second ago; `payer`, `node`, `start_ns`, `duration_s`, any field may be given."""
        self.now_ns += 1000
        start_ns = fields.pop("start_ns", self.now_ns - NANOS)
        payer = fields.pop("payer", self.operator)
        made = transaction.TransactionBody(
            transactionID=basic_types.TransactionID(
                accountID=protos.account(payer), transactionValidStart=protos.time(start_ns)
            ),
            nodeAccountID=protos.account(fields.pop("node", FIRST)),
            transactionValidDuration=protos.seconds(fields.pop("duration_s", 120)),
            transactionFee=fields.pop("max_fee", 10 * HBAR),
        )
        made.MergeFrom(transaction.TransactionBody(**fields))
        return made

    def ingest(self, body: transaction.TransactionBody, *keys: MadeKey, node: AccountId = FIRST) -> None:
        """Send to a node, signed by `keys` (the operator's where none is given). Raises Refused."""
        self.network.ingest(node, signed(body, keys or (self.key,)), self.now_ns)

    def run(self, body: transaction.TransactionBody, *keys: MadeKey) -> Record:
        """Send, and let it reach consensus; its record comes back."""
        self.ingest(body, *keys)
        self.advance(self.settings.consensus_delay_s)
        return self.records(body)[-1]

    def records(self, body: transaction.TransactionBody, node: AccountId = FIRST) -> list[Record]:
        """Every end that the id of this body has had."""
        transaction_id = protos.read_transaction_id(body.transactionID)
        assert transaction_id is not None
        entry = self.network.known(node, transaction_id)
        return [] if entry is None else entry.records

    def create_topic(self, **fields: Any) -> TopicId:
        """A topic by transaction."""
        record = self.run(self.body(consensusCreateTopic=topic_body(**fields)))
        assert record.created is not None
        return TopicId(0, 0, record.created.id.num)

    def submit(self, topic_id: TopicId, message: bytes = b"hello", **fields: Any) -> transaction.TransactionBody:
        """The body of a submitMessage."""
        chunk = fields.pop("chunk", None)
        content = submit_message.ConsensusSubmitMessageTransactionBody(
            topicID=protos.topic(topic_id), message=message, chunkInfo=chunk
        )
        return self.body(consensusSubmitMessage=content, **fields)

    def transfer(self, amounts: dict[AccountId, int], **fields: Any) -> transaction.TransactionBody:
        """The body of a plain transfer of tinybar."""
        listed = [basic_types.AccountAmount(accountID=protos.account(to), amount=of) for to, of in amounts.items()]
        moved = crypto_transfer.CryptoTransferTransactionBody(transfers=basic_types.TransferList(accountAmounts=listed))
        return self.body(cryptoTransfer=moved, **fields)

    def balance(self, account_id: AccountId) -> int:
        """Tinybar."""
        return self.network.state.accounts[account_id].balance


def topic_body(**fields: Any) -> create_topic.ConsensusCreateTopicTransactionBody:
    """A createTopic with what it must have."""
    defaults: dict[str, Any] = {"autoRenewPeriod": protos.seconds(7_776_000), "memo": "hcs-bridge:1"}
    return create_topic.ConsensusCreateTopicTransactionBody(**(defaults | fields))
