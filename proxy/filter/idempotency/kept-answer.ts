// Answers to requests with idempotency keys, as they are stored.
import type { Exchange } from '../../exchange/exchange.ts';
import { isFieldList, packRecord, unpackRecord } from '../../exchange/stored-record.ts';

/** With the version. */
const MARK = 'WIK\x01';

/** The request was done, and its answer is not kept: it is too long, or it broke off. */
export const LOST = packRecord(MARK, { status: 0, headers: [] }, Buffer.alloc(0));

/** Fields of the connection that the answer came on. */
const DROPPED = new Set([
  ...['connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'content-length'],
  ...['proxy-authenticate', 'proxy-authentication-info'],
]);

/** Answers that say that the request was not done, or may be done later, are not kept. */
const NOT_DONE = new Set([401, 403, 404, 407, 408, 409, 421, 423, 425, 429]);

/** Whether the answer to a repeated request would be the same. */
export function isKept(status: number): boolean {
  return status >= 200 && status < 500 && !NOT_DONE.has(status);
}

export function packKept(status: number, headers: readonly string[], body: Buffer): Buffer {
  const kept = headers.filter((_, i) => !DROPPED.has(headers[i - (i % 2)] as string));
  return packRecord(MARK, { status, headers: kept }, body);
}

/** Sets a stored answer in the exchange. False: it is not there, or is broken. */
export function replay(exchange: Exchange, bytes: Buffer): boolean {
  const record = unpackRecord(MARK, bytes);
  if (record === null) return false;
  const { status, headers } = record.head;
  if (typeof status !== 'number' || !isKept(status) || !isFieldList(headers) || headers.some(isOfConnection)) return false;
  exchange.fromStore = true;
  exchange.status = status;
  exchange.responseHeaders = [...headers, 'idempotent-replayed', 'true'];
  exchange.responseLength = record.body.length;
  exchange.localBody = record.body;
  return true;
}

function isOfConnection(name: string, index: number): boolean {
  return index % 2 === 0 && DROPPED.has(name);
}
