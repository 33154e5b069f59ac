// Calls operations over HTTP, and turns refusals into messages for the user.
import http from 'node:http';
import type { Duplex } from 'node:stream';
import { describeError, type FieldError } from '#api/k8s/field-error.ts';
import { UsageError } from '../command.ts';
import type { Connection } from './connection.ts';

/** The longest wait for an answer, milliseconds. */
const TIMEOUT = 15_000;

/** A call. `path` includes the query of a GET. */
export interface OperationCall {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  readonly path: string;
  /** Absent for a GET. */
  readonly body?: object;
  /** The longest wait for the answer, milliseconds; absent: 15 s. */
  readonly timeout?: number;
}

interface Reply {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

/** The rest of a call with an answer in parts. */
export interface StreamedCall {
  /** Takes a part of the answer. */
  readonly take: (data: Buffer) => void;
  /** The longest time of the whole answer, milliseconds. */
  readonly timeout: number;
}

/** Calls an operation whose answer comes in parts. Throws a UsageError for a refusal, and for an answer that ends too early. */
export async function streamOperation(connection: Connection, call: OperationCall, { take, timeout }: StreamedCall): Promise<void> {
  const stream = await connection.open();
  const reply = await send(stream, connection, call, { take, timeout }).finally(() => stream.destroy());
  if (reply.status !== 200) throw new UsageError(refusalOf(connection, call, reply));
}

/** The answer of an operation, of the type that its resource defines. Throws a UsageError for a refusal or a lost connection. */
export async function callOperation<T>(connection: Connection, call: OperationCall): Promise<T> {
  const stream = await connection.open();
  const reply = await send(stream, connection, call).finally(() => stream.destroy());
  if (reply.status !== 200) throw new UsageError(refusalOf(connection, call, reply));
  try {
    return JSON.parse(reply.text) as T;
  } catch {
    throw new UsageError(`${connection.name} answers without JSON, so it is no controller of this release; give another --controller`);
  }
}

/** `streamed`: takes the parts of a successful answer. */
function send(
  stream: Duplex,
  { name, host, token }: Connection,
  { method, path, body, timeout = TIMEOUT }: OperationCall,
  streamed: StreamedCall | null = null,
): Promise<Reply> {
  const text = body === undefined ? '' : JSON.stringify(body);
  const headers = {
    host,
    connection: 'close',
    ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
    ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
  };
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => reject(new UsageError(`${name}: ${error.message}`));
    const options = { method, path, headers, createConnection: () => stream, signal: AbortSignal.timeout(streamed?.timeout ?? timeout) };
    const request = http.request(options, (response) => {
      const status = response.statusCode ?? 0;
      const parts: Buffer[] = [];
      const take = status === 200 && streamed !== null ? streamed.take : (part: Buffer) => void parts.push(part);
      response.on('data', take);
      response.on('end', () => resolve({ status, type: response.headers['content-type'] ?? '', text: Buffer.concat(parts).toString() }));
      response.on('error', failed);
    });
    request.on('error', failed).end(text);
  });
}

/** The refusal in one line: its sentence and the wrong fields. */
function refusalOf({ name }: Connection, { method, path }: OperationCall, { status, type, text }: Reply): string {
  if (type.startsWith('application/problem+json')) {
    const { detail, errors } = JSON.parse(text) as { readonly detail: string; readonly errors: readonly FieldError[] };
    return [detail, ...errors.map(describeError)].join('; ');
  }
  const hint = status === 401 ? '; give --admin-token-file' : '';
  return `${name} answers ${method} ${path.split('?')[0] ?? ''} with ${status}: ${text.trim().slice(0, 300)}${hint}`;
}
