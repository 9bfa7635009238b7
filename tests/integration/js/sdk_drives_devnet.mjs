// Drives the embedded network with the official SDK, unchanged. Takes one JSON object as its argument, prints one.
import {
    AccountBalanceQuery,
    AccountCreateTransaction,
    AccountId,
    AccountInfoQuery,
    AddressBookQuery,
    Client,
    FileId,
    Hbar,
    NetworkVersionInfoQuery,
    PrivateKey,
    TopicCreateTransaction,
    TopicInfoQuery,
    TopicMessageQuery,
    TopicMessageSubmitTransaction,
    TransferTransaction,
} from "@hiero-ledger/sdk";

const { nodes, mirror, mirrorGrpc, operator, key } = JSON.parse(process.argv[2]);

const network = Object.fromEntries(
    Object.entries(nodes).map(([account, address]) => [address, AccountId.fromString(account)]),
);
const client = Client.forNetwork(network, { scheduleNetworkUpdate: false })
    .setMirrorNetwork([mirrorGrpc])
    .setOperator(operator, PrivateKey.fromStringDer(key));

async function refusal(call) {
    try {
        await call();
        return "nothing was refused";
    } catch (error) {
        return error.status.toString();
    }
}

async function messages(topicId) {
    const found = [];
    let next = `/api/v1/topics/${topicId}/messages?limit=4`;
    while (next !== null) {
        const page = await (await fetch(mirror + next)).json();
        found.push(...page.messages);
        next = page.links.next;
    }
    return found;
}

// Resolves with the messages, chunks joined, once the stream has ended, or there are `enough` of them.
function subscription(topicId, { startTime = 0, limit = 0, enough = Infinity }) {
    return new Promise((resolve, reject) => {
        const found = [];
        const query = new TopicMessageQuery()
            .setTopicId(topicId)
            .setStartTime(startTime)
            .setLimit(limit)
            .setMaxAttempts(0)
            .setCompletionHandler(() => resolve(found));
        const handle = query.subscribe(
            client,
            (_, error) => reject(error),
            (message) => {
                if (found.push(message) === enough) {
                    handle.unsubscribe();
                    resolve(found);
                }
            },
        );
    });
}

const text = (message) => Buffer.from(message.contents).toString();

async function createTopic(submitKey) {
    const response = await new TopicCreateTransaction()
        .setTopicMemo("driven by the official SDK")
        .setSubmitKey(submitKey.publicKey)
        .execute(client);
    return (await response.getReceipt(client)).topicId;
}

async function submit(topicId, message, signer) {
    const transaction = new TopicMessageSubmitTransaction().setTopicId(topicId).setMessage(message).freezeWith(client);
    const response = await (await transaction.sign(signer)).execute(client);
    return await response.getReceipt(client);
}

const submitKey = PrivateKey.generateECDSA();
const topicId = await createTopic(submitKey);
const live = subscription(topicId, { enough: 2 });
const content = "consensus ".repeat(512);
await submit(topicId, content, submitKey);
const last = await submit(topicId, "the end", submitKey);

const wrongKey = await refusal(() => submit(topicId, "not mine", PrivateKey.generateED25519()));
const unknownTopic = await refusal(() => submit("0.0.999999", "nowhere", submitKey));

const balance = async () => (await new AccountBalanceQuery().setAccountId(operator).execute(client)).hbars;
const before = await balance();
const info = await new TopicInfoQuery().setTopicId(topicId).execute(client);
const paid = before.toTinybars().subtract((await balance()).toTinybars()).toString();

const newKey = PrivateKey.generateED25519();
const created = await new AccountCreateTransaction()
    .setKeyWithoutAlias(newKey.publicKey)
    .setInitialBalance(new Hbar(5))
    .execute(client);
const accountId = (await created.getReceipt(client)).accountId;
const transfer = await new TransferTransaction()
    .addHbarTransfer(operator, new Hbar(-2))
    .addHbarTransfer(accountId, new Hbar(2))
    .execute(client);
const record = await transfer.getRecord(client);
const account = await new AccountInfoQuery().setAccountId(accountId).execute(client);
const version = await new NetworkVersionInfoQuery().execute(client);

const found = await messages(topicId);
const chunks = found.filter((message) => message.chunk_info !== null && message.chunk_info.total > 1);
const joined = Buffer.concat(chunks.map((message) => Buffer.from(message.message, "base64"))).toString();
const [whole, end] = await live;
const firstFour = await subscription(topicId, { limit: 4 });
const theEnd = await subscription(topicId, { startTime: end.consensusTimestamp, limit: 1 });
const noTopic = await subscription("0.0.999999", {}).catch((error) => error.message);
const book = await new AddressBookQuery().setFileId(FileId.ADDRESS_BOOK).execute(client);
const transactions = await (await fetch(`${mirror}/api/v1/transactions?account.id=${operator}&limit=100`)).json();
client.close();

console.log(
    JSON.stringify({
        topicId: topicId.toString(),
        memo: info.topicMemo,
        sequence: info.sequenceNumber.toNumber(),
        runningHashAgrees:
            Buffer.from(info.runningHash).toString("base64") === found.at(-1).running_hash &&
            Buffer.from(last.topicRunningHash).toString("base64") === found.at(-1).running_hash,
        submitKeyAgrees: info.submitKey.toString() === submitKey.publicKey.toString(),
        wrongKey,
        unknownTopic,
        paidForInfo: paid,
        chunks: chunks.length,
        chunksAgree: joined === content,
        messages: found.length,
        streamed: [text(whole) === content, text(end), end.sequenceNumber.toNumber(), theEnd.map(text)],
        streamedHashAgrees: Buffer.from(end.runningHash).toString("base64") === found.at(-1).running_hash,
        streamedChunks: whole.chunks.map((chunk) => chunk.sequenceNumber.toNumber()),
        halfAMessage: firstFour.length,
        noTopic,
        addressBook: book.nodeAddresses.map((node) => `${node.accountId} ${node.addresses[0].address}:${node.addresses[0].port}`),
        accountHbar: account.balance.toString(),
        recordFee: record.transactionFee.toTinybars().toString(),
        version: ["major", "minor", "patch"].map((part) => version.protobufVersion[part]).join("."),
        results: transactions.transactions.map((row) => `${row.name} ${row.result}`),
    }),
);
