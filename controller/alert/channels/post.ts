// POST of JSON to servers that users name. They may be slow, dead or hostile: every wait and every answer has a bound, a redirect is not
// followed, and only permitted addresses are connected to.
import { Agent, request } from 'undici';
import { checkHost, guardedLookup, quoted, RefusedDestination, type AddressGuard } from '#lib/destination.ts';
import { err, ok, type Result } from '#lib/result.ts';

/** The time of a whole notification, and of its connection, milliseconds. */
export const SEND_MS = 10_000;
export const CONNECT_MS = 5_000;
/** The bytes of an answer that are read. */
const MAX_ANSWER = 64 * 1_024;
const MAX_HEADERS = 16 * 1_024;

/** A request. */
export interface Post {
  readonly url: string;
  readonly body: unknown;
  /** '' for none. */
  readonly token: string;
  /** PEM of the authorities; '' for those of Node.js. */
  readonly ca: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** How channels reach servers. */
export interface Reach {
  readonly guard: AddressGuard;
  /** Ends all that is under way. */
  readonly signal: AbortSignal;
  /** The time of a whole notification, milliseconds. */
  readonly timeoutMs: number;
}

/** Sends JSON. The error says what went wrong, without the URL, which may be secret. */
export async function post({ url, body, token, ca, headers = {} }: Post, { guard, signal, timeoutMs }: Reach): Promise<Result<null>> {
  const dispatcher = new Agent({
    connect: { lookup: guardedLookup(guard), timeout: CONNECT_MS, ...(ca === '' ? {} : { ca }) },
    maxHeaderSize: MAX_HEADERS,
    pipelining: 0,
  });
  try {
    checkHost(new URL(url).hostname.replaceAll(/^\[|\]$/g, ''), guard);
    const answer = await request(url, {
      method: 'POST',
      dispatcher,
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      headers: {
        'content-type': 'application/json',
        'user-agent': 'weir',
        ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
        ...headers,
      },
      body: JSON.stringify(body),
    });
    return judged(answer.statusCode, await bounded(answer.body));
  } catch (error) {
    return err(reasonOf(error));
  } finally {
    await dispatcher.destroy();
  }
}

/** The first bytes of an answer; the rest is not read. */
async function bounded(body: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of body) {
    parts.push(part);
    size += part.length;
    if (size >= MAX_ANSWER) break;
  }
  return Buffer.concat(parts).subarray(0, MAX_ANSWER).toString();
}

function judged(status: number, text: string): Result<null> {
  if (status >= 200 && status <= 299) return ok(null);
  if (status >= 300 && status <= 399)
    return err(`the server answered ${status}, a redirect, which is not followed; give the URL that it leads to`);
  const told = quoted(text);
  return err(`the server answered ${status}${told === '' ? '' : `: ${told}`}`);
}

/** What went wrong with a connection, in words. */
export function reasonOf(error: unknown): string {
  if (error instanceof RefusedDestination) return `the server ${error.message}`;
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ');
  const { name = '', message = '', cause } = error as Error;
  if (name === 'TimeoutError') return 'the server did not answer in time';
  if (name === 'AbortError') return 'the program stops';
  if (cause instanceof RefusedDestination) return `the server ${cause.message}`;
  return quoted(message === '' ? String(error) : message);
}
