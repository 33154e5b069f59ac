// `weir proxies profile|heap-snapshot`: writes a file about a process of a proxy.
import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { UsageError } from '../command.ts';
import { streamOperation } from './client.ts';
import type { OperationCall } from './client.ts';
import type { Connection } from './connection.ts';

/** Readable for its owner only: the file has data of requests. */
const MODE = 0o600;

export interface Target {
  /** Must not exist. */
  readonly file: string;
  /** The longest time of the answer, milliseconds. */
  readonly timeout: number;
}

/** Writes the body of the answer to a new file; without the whole answer there is no file. Throws a UsageError. */
export async function saveAnswer(connection: Connection, call: OperationCall, { file, timeout }: Target): Promise<void> {
  if (file === '') throw new UsageError('--file FILE is missing: the name of the new file');
  const descriptor = openSync(file, 'wx', MODE);
  let bytes = 0;
  const take = (data: Buffer): void => {
    for (let start = 0; start < data.length;) start += writeSync(descriptor, data, start);
    bytes += data.length;
  };
  try {
    await streamOperation(connection, call, { take, timeout });
  } catch (error) {
    unlinkSync(file);
    throw error;
  } finally {
    closeSync(descriptor);
  }
  console.log(`${file}: ${bytes} bytes. The file has data of requests; keep it as a secret.`);
}
