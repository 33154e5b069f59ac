// The nodes' client of the API server: plain requests, and watches that end with the server or the network.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import { createInterface } from 'node:readline';
import type { NodeSettings } from './settings.ts';

/** An answer that is not 2xx. */
export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export type PatchType = 'merge-patch' | 'strategic-merge-patch' | 'apply-patch';

interface RequestBody {
  readonly type: string;
  readonly value: unknown;
}

/** Maximum time between two lines of a watch: bookmarks come every minute. */
const WATCH_SILENCE_MS = 120_000;
const ANSWER_MS = 10_000;

export class Api {
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #agent: https.Agent;

  constructor({ url, token, files }: NodeSettings) {
    this.#url = url;
    this.#headers = { authorization: `Bearer ${token}`, accept: 'application/json', 'user-agent': 'test-nodes' };
    this.#agent = new https.Agent({ keepAlive: true, ca: readFileSync(files.apiServerCa) });
  }

  get<T>(path: string): Promise<T> {
    return this.#ask('GET', path, null);
  }

  post<T>(path: string, value: unknown): Promise<T> {
    return this.#ask('POST', path, { type: 'application/json', value });
  }

  patch<T>(path: string, value: unknown, type: PatchType = 'merge-patch'): Promise<T> {
    const format = type === 'apply-patch' ? 'yaml' : 'json';
    return this.#ask('PATCH', path, { type: `application/${type}+${format}`, value });
  }

  delete<T>(path: string, value: unknown): Promise<T> {
    return this.#ask('DELETE', path, { type: 'application/json', value });
  }

  /** Calls back for every line until the watch ends; resolves then. */
  async watch(path: string, onLine: (line: string) => void, signal: AbortSignal): Promise<void> {
    const response = await this.#send('GET', path, null, signal);
    if (response.statusCode !== 200) throw new ApiError(response.statusCode ?? 0, await textOf(response));
    response.socket.setTimeout(WATCH_SILENCE_MS, () => response.destroy());
    const lines = createInterface({ input: response });
    lines.on('line', onLine);
    await once(lines, 'close');
  }

  async #ask<T>(method: string, path: string, body: RequestBody | null): Promise<T> {
    const response = await this.#send(method, path, body, AbortSignal.timeout(ANSWER_MS));
    const text = await textOf(response);
    const status = response.statusCode ?? 0;
    if (status < 200 || status > 299) throw new ApiError(status, `${method} ${path}: ${status} ${text.slice(0, 500)}`);
    return JSON.parse(text) as T;
  }

  async #send(method: string, path: string, body: RequestBody | null, signal: AbortSignal): Promise<IncomingMessage> {
    const payload = body === null ? '' : JSON.stringify(body.value);
    const length = { 'content-length': Buffer.byteLength(payload) };
    const headers = body === null ? this.#headers : { ...this.#headers, ...length, 'content-type': body.type };
    const request = https.request(this.#url + path, { method, headers, agent: this.#agent, signal });
    request.end(payload);
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    return response;
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
