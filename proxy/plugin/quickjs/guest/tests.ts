// The functions of @weir/sdk/test, in the isolate of a test: they run the hooks of a plugin one after the other, as the proxy does.
import type { Plugin, PluginContext, PluginReply } from '../../../../sdk/index.ts';
import type { Played, Scenario } from '../../../../sdk/test.ts';
import { bytesOf, decodeText } from './bytes.ts';
import { subresponse } from './context.ts';
import { flat } from './headers.ts';
import { Request, Response } from './heads.ts';
import { deepFrozen, describe } from './values.ts';

interface Test {
  readonly name: string;
  readonly run: () => void | Promise<void>;
}

/** The result of a test; `reason` '': it passes. */
interface Verdict {
  readonly name: string;
  readonly reason: string;
}

const tests: Test[] = [];

export function test(name: string, run: () => void | Promise<void>): void {
  tests.push({ name, run });
}

export function equal(actual: unknown, expected: unknown): void {
  const [found, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (found !== wanted) throw new Error(`${found} is not ${wanted}`);
}

/** Runs all tests, one after the other. */
export async function runTests(): Promise<readonly Verdict[]> {
  const verdicts: Verdict[] = [];
  for (const { name, run } of tests) {
    try {
      await run();
      verdicts.push({ name, reason: '' });
    } catch (error) {
      verdicts.push({ name, reason: describe(error) });
    }
  }
  return verdicts;
}

/** One request on its way through the plugin. */
class Play<Config> {
  readonly #plugin: Plugin<Config>;
  readonly #context: PluginContext<Config>;
  readonly #request: Request;
  readonly #response: Response;
  readonly #lines: string[] = [];
  readonly #metrics: Record<string, number> = {};
  #requestBody: Uint8Array;
  #responseBody: Uint8Array;

  constructor(plugin: Plugin<Config>, scenario: Scenario<Config>) {
    const { request = {}, response = {} } = scenario;
    const { headers = {}, body = '', ...head } = request;
    this.#plugin = plugin;
    const defaults = {
      method: 'GET',
      scheme: 'http',
      host: 'localhost',
      client: '192.0.2.1',
      principal: null,
      path: '/',
      query: '',
    } as const;
    this.#request = Request.of({ ...defaults, ...head, headers: flat(headers) });
    this.#response = Response.of({ status: response.status ?? 200, headers: flat(response.headers ?? {}) });
    this.#requestBody = bytesOf(body) as Uint8Array;
    this.#responseBody = bytesOf(response.body ?? '') as Uint8Array;
    this.#context = contextOf(scenario, this.#lines, this.#metrics);
  }

  async run(): Promise<Played> {
    const reply = await this.#runRequest();
    if (reply === null) await this.#runResponse();
    return {
      ...{ request: this.#request, requestBody: decodeText(this.#requestBody), reply },
      ...{ response: this.#response, responseBody: decodeText(this.#responseBody), lines: this.#lines, metrics: this.#metrics },
    };
  }

  async #runRequest(): Promise<PluginReply | null> {
    const [plugin, request, context] = [this.#plugin, this.#request, this.#context];
    const early = await plugin.onRequest?.(request, context);
    if (early !== undefined) return early as PluginReply;
    if (this.#requestBody.length === 0) return null;
    const whole = await plugin.onRequestBody?.(this.#requestBody, request, context);
    const bytes =
      bytesOf(whole) ?? (await chunked((chunk, isLast) => plugin.onRequestChunk?.(chunk, { isLast }, request, context), this.#requestBody));
    if (whole !== undefined && bytesOf(whole) === null) return whole as PluginReply;
    this.#requestBody = bytes;
    return null;
  }

  async #runResponse(): Promise<void> {
    const [plugin, response, request, context] = [this.#plugin, this.#response, this.#request, this.#context];
    await plugin.onResponse?.(response, request, context);
    if (this.#responseBody.length === 0) return;
    const whole = bytesOf(await plugin.onResponseBody?.(this.#responseBody, response, request, context));
    this.#responseBody =
      whole ?? (await chunked((chunk, isLast) => plugin.onResponseChunk?.(chunk, { isLast }, response, context), this.#responseBody));
  }
}

/** The body after a hook that gets it as one chunk, and then the end. */
async function chunked(hook: (chunk: Uint8Array, isLast: boolean) => unknown, body: Uint8Array): Promise<Uint8Array> {
  const parts = [bytesOf(await hook(body, false)) ?? body, bytesOf(await hook(new Uint8Array(0), true)) ?? new Uint8Array(0)];
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function contextOf<Config>(
  { config, backends = {} }: Scenario<Config>,
  lines: string[],
  metrics: Record<string, number>,
): PluginContext<Config> {
  const sums = new Map<string, number>();
  const add = (name: string, by = 1): Promise<number> => {
    sums.set(name, (sums.get(name) ?? 0) + by);
    return Promise.resolve(sums.get(name) ?? 0);
  };
  const line = (message: string): void => void lines.push(message);
  return {
    config: deepFrozen(config ?? {}) as Config,
    state: {},
    log: { info: line, warn: line, error: line },
    metrics: { count: (name, by = 1) => void (metrics[name] = (metrics[name] ?? 0) + by) },
    counters: { add, get: (name) => Promise.resolve(sums.get(name) ?? 0) },
    fetch: (name, request = {}) => {
      const answer = backends[name]?.(request);
      if (answer === undefined) return Promise.reject(new Error(`the policy has no backend ${name}`));
      return Promise.resolve(subresponse(answer.status, [], bytesOf(answer.body ?? '') as Uint8Array));
    },
  };
}

export function play<Config>(plugin: Plugin<Config>, scenario: Scenario<Config> = {}): Promise<Played> {
  return new Play(plugin, scenario).run();
}
