import assert from "node:assert/strict";
import { test } from "node:test";
import { CborInvalid } from "../src/errors";
import { hex, unhex } from "../src/wire/bytes";
import { decode, decodeFirst, encode, Float, type Item } from "../src/wire/cbor";

const GOOD = [
  "00", "17", "1818", "1b001fffffffffffff", "1bffffffffffffffff", "3bffffffffffffffff", "f93c00", "f98000",
  "fa47c35000",  "fb3ff199999999999a", "60", "63e6989f", "f4", "f5", "f6", "80", "a0", "a201010202", "a260011818f6", 
  "a218ff00190100f6",  "a2182e00616100", "d083010203", "d280", "40", "4401020304",
];
const BAD: [string, string][] = [
  ["", "nothing"], ["0000", "bytes behind"], ["1817", "a longer head"], ["1b0000000000000001", "a longer head"],
  ["9f01ff", "indefinite array"], ["5f4101ff", "indefinite bytes"], ["bf0101ff", "indefinite map"],
  ["a202010102", "order"],  ["a2616101616101", "twice"], ["a201010101", "twice"], ["f7", "undefined"], ["f97e00", "NaN"], ["f97c00", "infinite"],
  ["fa3fc00000", "a float in more bytes"], ["fb3ff0000000000000", "a float in more bytes"], ["62c328", "not UTF-8"],
  ["63eda080", "a surrogate"], ["c11a00000000", "a tag"], ["d90100820102", "a tag"],
  ["c249ff0000000000000000", "bignum"],  ["a1f500", "a key of another kind"], ["a1410100", "a key of another kind"], ["a1f93c0000", "a float as key"],
  ["f820", "a simple value"], ["8301", "cut off"], ["a218180060f6", "order, length first"], ["d3" + "80", "tag 19"],
  ["81".repeat(25) + "80", "too deep"], ["81".repeat(100_000) + "80", "much too deep"],
];

test("what decodes encodes to the very same bytes", () => {
  for (const text of GOOD) assert.equal(hex(encode(decode(unhex(text)))), text);
  assert.deepEqual(decode(unhex("81".repeat(23) + "80")), nested(24));
});

test("anything else is refused", () => {
  for (const [text, why] of BAD) assert.throws(() => decode(unhex(text)), CborInvalid, `${why}: ${text.slice(0, 20)}`);
});

test("an integral float stays a float", () => {
  assert.deepEqual(decode(unhex("f93c00")), new Float(1));
  assert.equal(decode(unhex("01")), 1);
});

test("the first item, and its length", () => {
  assert.deepEqual(decodeFirst(unhex("82010200")), { item: [1, 2], length: 3 });
});

test("what can't be read back isn't written", () => {
  for (const item of [1.5, NaN, 2 ** 60, 2n ** 64n, new Float(Infinity), undefined, "\ud800", {}])
    assert.throws(() => encode(item as Item), `${String(item)}`);
});

function nested(depth: number): Item {
  return depth === 1 ? [] : [nested(depth - 1)];
}
