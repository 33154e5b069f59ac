// Answers of collectors: how many records were rejected, and why. They come from outside, so nothing of them is trusted.
import { guarded } from '../protobuf/fault.ts';
import { WIRE, WireReader } from '../protobuf/wire-reader.ts';
import type { Delivery } from './transport.ts';

/** Texts of collectors in logs. */
const MAX_REASON = 200;
const PARTIAL_SUCCESS = (1 << 3) | WIRE.bytes;
const REJECTED = (1 << 3) | WIRE.varint;
const MESSAGE = (2 << 3) | WIRE.bytes;

/** All records of the request were taken. */
export const ALL_TAKEN: Delivery = { kind: 'delivered', rejected: 0, reason: '' };

/** A text of a collector for a log: short, and without control characters. */
export function quoted(text: string): string {
  return text.slice(0, MAX_REASON).replaceAll(/[^\x20-\x7e]/g, '?');
}

/** Export*ServiceResponse: the records were taken, but for those that partial_success counts. Bytes of another kind count none. */
export function parseAnswer(body: Buffer): Delivery {
  const answer = guarded(() => readAnswer(new WireReader(body)));
  return answer.ok ? answer.value : ALL_TAKEN;
}

function readAnswer(reader: WireReader): Delivery {
  let delivery = ALL_TAKEN;
  while (!reader.isAtEnd) {
    const tag = reader.tag();
    if (tag === PARTIAL_SUCCESS) delivery = readPartial(new WireReader(reader.bytes()));
    else reader.skip(tag);
  }
  return delivery;
}

function readPartial(reader: WireReader): Delivery {
  let [rejected, reason] = [0, ''];
  while (!reader.isAtEnd) {
    const tag = reader.tag();
    if (tag === REJECTED) rejected = Math.max(0, Number(reader.int64()));
    else if (tag === MESSAGE) reason = quoted(reader.bytes().toString('utf8'));
    else reader.skip(tag);
  }
  return { kind: 'delivered', rejected, reason };
}
