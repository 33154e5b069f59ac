// Blocking queries to Consul (https://developer.hashicorp.com/consul/api-docs/features/blocking): each answer has an index, and the next
// query waits at the server until the index is past it.
//
//   ask (index 0) ──answer, index n──> ask (index n) ──> ...
//        ^                                   └── the index went back, or a fault: index 0 ──┐
//        └──────────────────────────────────────────────────────────────────────────────────┘
import { setTimeout as delay } from 'node:timers/promises';
import { Agent, buildConnector, request } from 'undici';
import type { Dispatcher } from 'undici';
import { err, ok } from '#lib/result.ts';
import type { Result } from '#lib/result.ts';
import { checkHost, guardedLookup, quoted, RefusedDestination, secureOptions } from '#lib/destination.ts';
import type { AddressGuard, ServerTls } from '#lib/destination.ts';
import type { FaultReason } from '../source.ts';
import { instancesIn } from './instances.ts';
import type { ConsulInstances } from './instances.ts';

/** What to ask for. */
export interface ConsulQuestion {
  /** The URL of the server, without a path. */
  readonly address: string;
  readonly service: string;
  /** An instance must have all of them. */
  readonly tags: readonly string[];
  readonly datacenter?: string;
  /** Of Consul Enterprise. */
  readonly namespace?: string;
  /** Of Consul Enterprise. */
  readonly partition?: string;
  readonly withWarnings: boolean;
}

/** The credentials and the connections of the queries. */
export interface ConsulAccess {
  /** The ACL token; '' for none. */
  readonly token: string;
  readonly tls: ServerTls;
  readonly guard: AddressGuard;
  readonly limits?: ConsulLimits;
}

/** Limits and times (milliseconds) of queries. */
export interface ConsulLimits {
  /** How long a query may wait at the server for a change. */
  readonly wait: number;
  /** How much longer an answer may take, with all its bytes. */
  readonly answer: number;
  /** The least time between the beginnings of two queries. */
  readonly interval: number;
  /** The largest answer in bytes. */
  readonly bytes: number;
}

export const CONSUL_LIMITS: ConsulLimits = { wait: 60_000, answer: 10_000, interval: 250, bytes: 16 * 1_048_576 };

/** Why queries end. The message is a sentence. */
export interface ConsulFault {
  readonly message: string;
  readonly reason: FaultReason;
}

/** Consul adds up to a sixteenth of the wait, so that not all queries end at once. */
const SERVER_JITTER = 1 / 16;

/** Instances that a query has found. */
export interface ConsulFound extends ConsulInstances {
  /** Some instances are left out, since the token has no right to read them. */
  readonly isFiltered: boolean;
}

/** Completes "Consul ...". */
export const HIDDEN = 'hides instances from the token, which needs service:read and node:read';

interface Answer extends ConsulFound {
  readonly index: number;
}

/** Asks until the signal is aborted, with a report for each change of the index; resolves to the reason if it must stop earlier. */
export async function followConsul(
  question: ConsulQuestion,
  access: ConsulAccess,
  report: (found: ConsulFound) => void,
  signal: AbortSignal,
): Promise<ConsulFault | null> {
  const limits = access.limits ?? CONSUL_LIMITS;
  const url = new URL(question.address);
  const dispatcher = dispatcherFor(access);
  let index = 0;
  try {
    checkHost(url.hostname.replace(/^\[|\]$/g, ''), access.guard);
    while (!signal.aborted) {
      const started = performance.now();
      const answer = await ask(question, index, { token: access.token, limits, dispatcher, signal });
      if (!answer.ok) return signal.aborted ? null : toldBy(url, answer.error);
      // Without rights a query that waits ends with an empty list and no mark, if Consul streams; one that does not wait has the mark.
      const isDoubtful = index > 0 && answer.value.instances.length === 0;
      if (!isDoubtful) report(answer.value);
      index = isDoubtful ? 0 : nextIndex(index, answer.value.index);
      await delay(Math.max(0, started + limits.interval - performance.now()), undefined, { signal, ref: false }).catch(() => undefined);
    }
    return null;
  } catch (error) {
    if (error instanceof RefusedDestination) return toldBy(url, refused(error));
    throw error;
  } finally {
    void dispatcher.destroy();
  }
}

function toldBy({ origin }: URL, { message, reason }: ConsulFault): ConsulFault {
  return { message: `${origin} ${message}`, reason };
}

/** The index of the next query: 0, which does not wait, if the server has lost its state. */
function nextIndex(asked: number, answered: number): number {
  return answered < asked ? 0 : answered;
}

function dispatcherFor({ tls, guard }: ConsulAccess): Dispatcher {
  const { serverName } = tls;
  const connect = buildConnector({ lookup: guardedLookup(guard), allowH2: false, ...secureOptions(tls) });
  return new Agent({
    connections: 1,
    // Times are limited for each query as a whole.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: serverName === undefined ? connect : (options, callback) => connect({ ...options, servername: serverName }, callback),
  });
}

interface Asking {
  readonly token: string;
  readonly limits: ConsulLimits;
  readonly dispatcher: Dispatcher;
  readonly signal: AbortSignal;
}

async function ask(question: ConsulQuestion, index: number, asking: Asking): Promise<Result<Answer, ConsulFault>> {
  const { token, limits, dispatcher, signal } = asking;
  const waits = index === 0 ? 0 : limits.wait * (1 + SERVER_JITTER);
  const deadline = AbortSignal.timeout(waits + limits.answer);
  const headers = { accept: 'application/json', 'user-agent': 'weir', ...(token === '' ? {} : { 'x-consul-token': token }) };
  try {
    const either = AbortSignal.any([signal, deadline]);
    const answer = await request(urlOf(question, index, limits.wait), { method: 'GET', headers, dispatcher, signal: either });
    const body = await readBody(answer.body, limits.bytes);
    if (answer.statusCode !== 200) return refusal(answer, body, token);
    return read(answer.headers, body, question.withWarnings);
  } catch (error) {
    if (error instanceof RefusedDestination) return err(refused(error));
    return fault(deadline.aborted ? 'does not answer' : wordsFor(error));
  }
}

function urlOf(
  { address, service, tags, datacenter, namespace, partition, withWarnings }: ConsulQuestion,
  index: number,
  wait: number,
): URL {
  const url = new URL(`/v1/health/service/${encodeURIComponent(service)}`, address);
  const query = url.searchParams;
  for (const tag of tags) query.append('tag', tag);
  if (!withWarnings) query.set('passing', '1');
  const places = { dc: datacenter, ns: namespace, partition };
  for (const [name, value] of Object.entries(places)) if (value !== undefined) query.set(name, value);
  if (index > 0) {
    query.set('index', String(index));
    query.set('wait', `${wait}ms`);
  }
  return url;
}

async function readBody(chunks: AsyncIterable<Buffer>, most: number): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > most) throw new TooLarge(`sends an answer of more than ${most} bytes`);
    parts.push(chunk);
  }
  return Buffer.concat(parts).toString('utf8');
}

class TooLarge extends Error {}

/** The head of an answer. */
interface Head {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

function read(headers: Head['headers'], body: string, withWarnings: boolean): Result<Answer, ConsulFault> {
  // The catalog of a server without a leader may be old or empty.
  if (headers['x-consul-knownleader'] === 'false') return fault('has no leader');
  const index = Number(headers['x-consul-index'] ?? NaN);
  if (!Number.isSafeInteger(index) || index < 0) return fault('answers without X-Consul-Index: it is not a Consul server');
  const answer = parse(body);
  if (answer === undefined) return fault('answers with invalid JSON');
  const found = instancesIn(answer, withWarnings);
  if (!found.ok) return fault(found.error);
  const isFiltered = headers['x-consul-results-filtered-by-acls'] === 'true';
  // A token without rights gets a success and an empty list.
  if (isFiltered && found.value.instances.length === 0) return fault(HIDDEN, 'AccessDenied');
  // Index 0 would make the next query wait for nothing; 1 is the least that waits.
  return ok({ ...found.value, isFiltered, index: Math.max(1, index) });
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return undefined;
  }
}

function fault(message: string, reason: FaultReason = 'LookupFailed'): Result<never, ConsulFault> {
  return err({ message, reason });
}

function refused({ message }: RefusedDestination): ConsulFault {
  return { message, reason: 'AddressRefused' };
}

/**
 * The text of the server becomes part of statuses. So it must not contain the token, and only texts of Consul are told: the author of a
 * Backend must not read pages of other servers in its status.
 */
function refusal({ statusCode: status, headers }: Head, body: string, token: string): Result<never, ConsulFault> {
  const isConsul = Object.keys(headers).some((name) => name.startsWith('x-consul-'));
  if (!isConsul) return fault(`answers ${status}: it is not a Consul server`);
  const text = token === '' ? body : body.replaceAll(token, '<token>');
  return fault(`answers ${status}: ${quoted(text)}`, status === 401 || status === 403 ? 'AccessDenied' : 'LookupFailed');
}

function wordsFor(error: unknown): string {
  if (error instanceof TooLarge) return error.message;
  const { code, message } = error as { readonly code?: unknown; readonly message: string };
  return `cannot be reached: ${typeof code === 'string' ? code : quoted(message)}`;
}
