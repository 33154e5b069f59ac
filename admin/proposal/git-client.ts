// HTTPS for git and for the provider of its repository: to one host, without redirections, with limits.
import { readFile } from 'node:fs/promises';
import type { GitHttpRequest, GitHttpResponse, HttpClient } from 'isomorphic-git';
import { Agent, request, type Dispatcher } from 'undici';

/** Bytes of one answer. */
const MAX_ANSWER_BYTES = 64 * 1_024 * 1_024;
const TIMEOUT_MS = 30_000;

/** A repository has more than fits into memory. */
export class TooLarge extends Error {}

/** A request that leaves what is configured. */
export class ForeignUrl extends Error {
  constructor() {
    super('the request is for another server');
  }
}

/** One set of connections; `close` ends it. */
export class GitClient implements HttpClient {
  readonly #bases: readonly string[];
  readonly #agent: Agent;

  private constructor(bases: readonly string[], agent: Agent) {
    this.#bases = bases;
    this.#agent = agent;
  }

  /** `bases`: the URLs below which requests go. `caFile`: more CAs, PEM; '' for those of Node.js. Rejects if it cannot be read. */
  static async open(bases: readonly string[], caFile: string): Promise<GitClient> {
    const ca = caFile === '' ? {} : { ca: await readFile(caFile) };
    return new GitClient(bases, new Agent({ connect: { ...ca, timeout: TIMEOUT_MS } }));
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  /** As isomorphic-git wants it. An answer with a redirection is one without success. */
  async request({ url, method = 'GET', headers = {}, body }: GitHttpRequest): Promise<GitHttpResponse> {
    const sent: Uint8Array[] = [];
    for await (const part of body ?? []) sent.push(part);
    const answer = await this.send(url, method, headers, sent.length === 0 ? undefined : Buffer.concat(sent));
    const flat = Object.entries(answer.headers).map(([name, value]) => [name, String(value)] as const);
    return {
      ...{ url, method, statusCode: answer.statusCode, statusMessage: '' },
      headers: Object.fromEntries(flat),
      body: limited(answer.body),
    };
  }

  /** One request below the bases. */
  send(
    url: string,
    method: string,
    headers: Readonly<Record<string, string>>,
    body: Buffer | string | undefined,
  ): Promise<Dispatcher.ResponseData> {
    const target = new URL(url);
    if (!this.#bases.some((base) => isBelow(target, new URL(base)))) throw new ForeignUrl();
    return request(target, {
      ...{ method: method as Dispatcher.HttpMethod, headers, dispatcher: this.#agent },
      ...{ headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS },
      ...(body === undefined ? {} : { body }),
    });
  }
}

function isBelow(target: URL, base: URL): boolean {
  return target.origin === base.origin && `${target.pathname}/`.startsWith(`${base.pathname.replace(/\/$/, '')}/`);
}

async function* limited(chunks: AsyncIterable<Uint8Array>): AsyncIterableIterator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new Error(`an answer has more than ${MAX_ANSWER_BYTES} bytes`);
    yield chunk;
  }
}
