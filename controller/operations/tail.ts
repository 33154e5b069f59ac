// The tail of the access log: lines of proxies as they come, as JSON objects, one per line. A reader that is too slow gets fewer lines,
// since a controller must read on: reports and other answers come over the same streams.
import { Type } from '#lib/typebox.ts';
import type { Static } from '#lib/typebox.ts';
import { parseFilter } from '#api/access-log/filter.ts';
import { MAX_TAIL_MS, MAX_TAIL_RATE } from '#api/wire/telemetry-limits.ts';
import type { Body } from '#lib/admin-server.ts';
import { parseDuration } from '#lib/duration.ts';
import { err, ok, type Result } from '#lib/result.ts';
import type { FieldError } from '#api/k8s/field-error.ts';
import { COMMAND_MS } from '../telemetry/hub.ts';
import type { ProxyEnd } from '../telemetry/hub.ts';
import type { Fleet } from '../telemetry/fleet.ts';
import { ProxyNames, strangerAmong } from './fleet.ts';
import { invalid, streamedOperation } from './operation.ts';
import type { Operation, StreamedOutcome } from './operation.ts';

/** A line of a tail. */
export interface TailLine {
  readonly proxy: string;
  /** As the access log of the proxy writes it. */
  readonly line: string;
}

/** The last line of an answer. */
export interface TailEnd {
  readonly proxies: readonly ProxyEnd[];
  /** Lines that this controller dropped, since the caller read too slowly. */
  readonly dropped: number;
}

/** The most lines per second of all proxies together. */
const MAX_TOTAL_RATE = 10_000;
/** Bytes that wait for the caller. */
const MAX_WAITING_BYTES = 1_024 * 1_024;

const TailInput = Type.Object(
  {
    /** As --access-log-filter; '' for all lines. */
    filter: Type.String({ maxLength: 4_096, default: '' }),
    duration: Type.String({ maxLength: 32, default: '1m' }),
    /** The most lines per second of a proxy. */
    rate: Type.Integer({ minimum: 1, maximum: MAX_TAIL_RATE, default: 100 }),
    proxies: ProxyNames,
    /** The number of a worker from 0; '' for all. */
    worker: Type.String({ maxLength: 16, default: '' }),
  },
  { additionalProperties: false },
);

/** `POST /proxies/tail`. */
export function tailOperation(fleet: Fleet): Operation {
  return streamedOperation('POST /proxies/tail', TailInput, (input, signal) => tail(fleet, input, signal));
}

async function tail(fleet: Fleet, input: Static<typeof TailInput>, signal: AbortSignal): Promise<StreamedOutcome> {
  const duration = checked(input);
  if (!duration.ok) return invalid(duration.error);
  const { filter, rate, worker, proxies = null } = input;
  const known = (await fleet.proxies()).map(({ node }) => node);
  const stranger = strangerAmong(proxies, known);
  if (stranger !== null) return stranger;
  const share = Math.max(1, Math.floor(MAX_TOTAL_RATE / Math.max(1, (proxies ?? known).length)));
  const action = { action: 'tail' as const, tail: { filter, durationMs: duration.value, rate: Math.min(rate, share), worker } };
  const stream = async (body: Body): Promise<void> => {
    const reader = new TailReader(body);
    const chunk = (proxy: string, data: Buffer): void => reader.take(proxy, data);
    const ends = await fleet.command({ action, deadlineMs: duration.value + COMMAND_MS, proxies, chunk, signal });
    await reader.end(ends);
  };
  return ok({ status: 200, type: 'application/x-ndjson', stream });
}

/** The duration in milliseconds, or the wrong fields. */
function checked({ filter, duration }: Static<typeof TailInput>): Result<number, readonly FieldError[]> {
  const rules = parseFilter(filter);
  const length = parseDuration(duration);
  const isPossible = length.ok && length.value >= 1 && length.value <= MAX_TAIL_MS;
  if (rules.ok && isPossible) return ok(length.value);
  const errors = rules.ok ? [] : [{ field: 'filter', reason: rules.error }];
  const reason = length.ok ? 'must be from 1ms to 10m' : length.error;
  return err(isPossible ? errors : [...errors, { field: 'duration', reason }]);
}

/** Writes lines to the caller, as many as it takes. */
class TailReader {
  readonly #body: Body;
  #waiting = 0;
  #dropped = 0;
  #written = Promise.resolve();

  constructor(body: Body) {
    this.#body = body;
  }

  take(proxy: string, data: Buffer): void {
    const lines = data.toString().split('\n').filter(Boolean);
    if (this.#waiting > MAX_WAITING_BYTES) return void (this.#dropped += lines.length);
    const text = lines.map((line) => `${JSON.stringify({ proxy, line } satisfies TailLine)}\n`).join('');
    this.#waiting += text.length;
    this.#written = this.#written.then(() => this.#body.write(text)).finally(() => (this.#waiting -= text.length));
  }

  async end(proxies: readonly ProxyEnd[]): Promise<void> {
    await this.#written;
    await this.#body.write(`${JSON.stringify({ proxies, dropped: this.#dropped } satisfies TailEnd)}\n`);
  }
}
