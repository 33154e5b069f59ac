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
  /** How long a question may take, milliseconds; by default 10 s. */
  readonly timeoutMs?: number;
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
  /** The CA certificates of the agent. */
  #ca = '';

  constructor(access: PrometheusAccess) {
    this.#access = access;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#agent?.destroy();
  }

  /** The series of an instant query. */
  async query(expression: string): Promise<Result<readonly QueriedSeries[]>> {
    const { url, tokenFile, timeoutMs = TIMEOUT_MS } = this.#access;
    if (url === '') return err('there is no Prometheus; give --prometheus-url');
    try {
      const token = tokenFile === '' ? '' : readFileSync(tokenFile, 'utf8').trim();
      const answer = await request(`${url.replace(/\/+$/, '')}/api/v1/query`, {
        method: 'POST',
        dispatcher: this.#dispatcher(),
        signal: AbortSignal.any([this.#stop.signal, AbortSignal.timeout(timeoutMs)]),
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

  /** The connections. They are opened anew when the file of the CA certificates has changed. */
  #dispatcher(): Agent {
    const { caFile } = this.#access;
    const ca = caFile === '' ? '' : readFileSync(caFile, 'utf8');
    if (this.#agent !== null && ca === this.#ca) return this.#agent;
    // Questions that are under way end first.
    void this.#agent?.close();
    this.#ca = ca;
    this.#agent = new Agent({ connect: { timeout: TIMEOUT_MS, ...(ca === '' ? {} : { ca }) }, connections: 4 });
    return this.#agent;
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
  const isScalar = resultType === 'scalar' && Array.isArray(result);
  if (isScalar) return seriesIn({ resultType: 'vector', result: [{ metric: {}, value: result }] });
  if (resultType !== 'vector' || !Array.isArray(result))
    return err(`the query has the result ${quoted(String(resultType))}; it must have a vector`);
  if (result.length > MAX_SERIES) return err(`the query has more than ${MAX_SERIES} series; add them up`);
  const series = result.map(seriesOf);
  // A series that is left out would end its alert.
  if (series.includes(null)) return err('Prometheus answered with a series that has no labels or no number');
  return ok(series.filter((each) => each !== null && !Number.isNaN(each.value)) as readonly QueriedSeries[]);
}

function jsonOf(text: string): QueryAnswer | null {
  try {
    return JSON.parse(text) as QueryAnswer | null;
  } catch {
    return null;
  }
}

function seriesOf(entry: unknown): QueriedSeries | null {
  const { metric, value } = (entry ?? {}) as { readonly metric?: unknown; readonly value?: unknown };
  if (typeof metric !== 'object' || metric === null || !Array.isArray(value)) return null;
  const number = numberOf(value[1]);
  if (number === null) return null;
  const { __name__: _name, ...labels } = Object.fromEntries(Object.entries(metric).map(([name, text]) => [name, String(text)]));
  return { labels, value: number };
}

/** A number as Prometheus writes it; infinity is the largest number, since JSON has no infinity. Null if it is none. */
function numberOf(text: unknown): number | null {
  if (typeof text !== 'string') return null;
  if (text === 'NaN') return NaN;
  if (/^[+-]Inf$/.test(text)) return text.startsWith('-') ? -Number.MAX_VALUE : Number.MAX_VALUE;
  return /^[+-]?\d[\d.]*(e[+-]?\d+)?$/i.test(text) ? Number(text) : null;
}
