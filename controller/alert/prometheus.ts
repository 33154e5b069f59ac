// Queries of a Prometheus for rules with PromQL. https://prometheus.io/docs/prometheus/latest/querying/api/
import { readFileSync } from 'node:fs';
import { Agent, request } from 'undici';
import { quoted } from '#lib/destination.ts';
import { err, ok, type Result } from '#lib/result.ts';
import { reasonOf } from './channels/post.ts';

/** Where a Prometheus is, and how Weir logs in. */
export interface PrometheusAccess {
  /** Without `/api/v1`; '': there is none. */
  readonly url: string;
  /** Files with the bearer token and the CA certificates; '' for none. */
  readonly tokenFile: string;
  readonly caFile: string;
}

/** A series of a result. */
export interface QueriedSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const TIMEOUT_MS = 10_000;
/** The bytes of an answer, and the series of a result. */
const MAX_ANSWER = 4 * 1_048_576;
const MAX_SERIES = 500;

/** Asks questions until `stop`. Never rejects. */
export class Prometheus {
  readonly #access: PrometheusAccess;
  readonly #stop = new AbortController();
  #agent: Agent | null = null;

  constructor(access: PrometheusAccess) {
    this.#access = access;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#agent?.destroy();
  }

  /** The series of an instant query. */
  async query(expression: string): Promise<Result<readonly QueriedSeries[]>> {
    const { url, tokenFile } = this.#access;
    if (url === '') return err('there is no Prometheus; give --prometheus-url');
    try {
      const token = tokenFile === '' ? '' : readFileSync(tokenFile, 'utf8').trim();
      const answer = await request(`${url.replace(/\/+$/, '')}/api/v1/query`, {
        method: 'POST',
        dispatcher: (this.#agent ??= this.#open()),
        signal: AbortSignal.any([this.#stop.signal, AbortSignal.timeout(TIMEOUT_MS)]),
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          'user-agent': 'weir',
          ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
        },
        body: new URLSearchParams({ query: expression, limit: String(MAX_SERIES + 1) }).toString(),
      });
      const text = await whole(answer.body);
      return text === null ? err(`Prometheus answered with more than ${MAX_ANSWER} bytes`) : parsed(answer.statusCode, text);
    } catch (error) {
      return err(`Prometheus cannot be asked: ${reasonOf(error)}`);
    }
  }

  #open(): Agent {
    const { caFile } = this.#access;
    return new Agent({ connect: { timeout: TIMEOUT_MS, ...(caFile === '' ? {} : { ca: readFileSync(caFile) }) }, connections: 4 });
  }
}

async function whole(body: AsyncIterable<Buffer>): Promise<string | null> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of body) {
    size += part.length;
    if (size > MAX_ANSWER) return null;
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

interface QueryAnswer {
  readonly status?: unknown;
  readonly error?: unknown;
  readonly data?: { readonly resultType?: unknown; readonly result?: unknown };
}

function parsed(status: number, text: string): Result<readonly QueriedSeries[]> {
  const answer = jsonOf(text);
  if (answer?.status !== 'success') return err(`Prometheus answered ${status}: ${quoted(String(answer?.error ?? text))}`);
  return seriesIn(answer.data ?? {});
}

function seriesIn({ resultType, result }: NonNullable<QueryAnswer['data']>): Result<readonly QueriedSeries[]> {
  if (resultType === 'scalar' && Array.isArray(result)) return ok([{ labels: {}, value: Number(result[1]) }]);
  if (resultType !== 'vector' || !Array.isArray(result))
    return err(`the query has the result ${quoted(String(resultType))}; it must have a vector`);
  if (result.length > MAX_SERIES) return err(`the query has more than ${MAX_SERIES} series; add them up`);
  return ok(result.flatMap(seriesOf));
}

function jsonOf(text: string): QueryAnswer | null {
  try {
    return JSON.parse(text) as QueryAnswer | null;
  } catch {
    return null;
  }
}

function seriesOf(entry: unknown): readonly QueriedSeries[] {
  const { metric, value } = (entry ?? {}) as { readonly metric?: unknown; readonly value?: unknown };
  if (typeof metric !== 'object' || metric === null || !Array.isArray(value)) return [];
  const { __name__: _name, ...labels } = Object.fromEntries(Object.entries(metric).map(([name, text]) => [name, String(text)]));
  return [{ labels, value: Number(value[1]) }];
}
