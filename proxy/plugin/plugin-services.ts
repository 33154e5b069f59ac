// What the proxy does for a plugin: lines of its log, counts, and requests to its backends.
import { getHeader } from '../exchange/headers.ts';
import type { PluginSettings } from '../exchange/plugins.ts';
import type { Ask, Subrequest } from '../exchange/subrequest.ts';
import type { Log } from '#lib/log.ts';
import { problemOfHeaders } from './changes.ts';
import type { LogLines } from './log-lines.ts';
import type { PluginCounts } from './plugin-counts.ts';
import type { Answers, Request } from './plugin-isolate.ts';

/** Of an answer to the plugin, bytes. */
const MAX_ANSWER = 1_048_576;
const CALL_HEADERS = ['content-type', 'application/grpc', 'te', 'trailers'];

interface ServiceDependencies {
  readonly ask: Ask;
  readonly counts: PluginCounts;
  readonly log: Log | undefined;
}

type AskMessage = Extract<Request, { readonly type: 'ask' }>;

export class PluginServices {
  readonly #settings: PluginSettings;
  readonly #dependencies: ServiceDependencies;
  readonly #lines: LogLines;

  constructor(settings: PluginSettings, dependencies: ServiceDependencies, lines: LogLines) {
    this.#settings = settings;
    this.#dependencies = dependencies;
    this.#lines = lines;
  }

  serve(request: Request, bytes: Buffer | null, isolate: Answers): void {
    const { counts, log } = this.#dependencies;
    const { policy, name: plugin } = this.#settings;
    switch (request.type) {
      case 'log':
        return void (this.#lines.admit() && log?.[request.level]({ policy, plugin }, request.message));
      case 'metric':
        return counts.custom(this.#settings, request.name, request.by);
      case 'gauge':
        return counts.gauge(this.#settings, request.name, request.value);
      case 'observed':
        return counts.observed(this.#settings, request.name, request.values);
      case 'count':
        return isolate.tell({ type: 'counted', op: request.op, value: counts.shared(this.#settings, request.name, request.by) }, null);
      case 'ask':
        return void this.#ask(request, bytes, isolate);
    }
  }

  async #ask(request: AskMessage, body: Buffer | null, isolate: Answers): Promise<void> {
    const { op, backend } = request;
    const cluster = this.#settings.backends.get(backend);
    const refuse = (reason: string): void => isolate.tell({ type: 'refused', op, reason }, null);
    if (cluster === undefined) return refuse(`the policy has no backend ${backend.slice(0, 100)}`);
    const problem = subrequestProblem(request);
    if (problem !== null) return refuse(problem);
    const answer = await this.#dependencies.ask(cluster, subrequest(cluster, request, body, this.#settings.timeout));
    if ('code' in answer) return refuse(`the backend does not answer: ${answer.code}`);
    const trailers = this.#settings.wasm === null || answer.trailers === null ? {} : { trailers: answer.trailers };
    isolate.tell({ type: 'answer', op, status: answer.status, headers: answer.headers, ...trailers }, answer.body);
  }
}

function subrequest(cluster: string, request: AskMessage, body: Buffer | null, longest: number): Subrequest {
  const { method, path, headers, timeout = longest, isGrpc = false } = request;
  const [, namespace = '', name = ''] = cluster.split('/');
  const authority = getHeader(headers, 'host') ?? `${name}.${namespace}`;
  const others = headers.filter((_, i) => headers[i - (i % 2)] !== 'host');
  const limits = { timeout: Math.max(1, Math.min(timeout, longest)), maxAnswerBytes: MAX_ANSWER };
  if (isGrpc) return { ...{ method, path, authority, body, protocol: 'http2' }, ...limits, headers: [...others, ...CALL_HEADERS] };
  return { method, path, authority, headers: others, body, ...limits };
}

/** Why a request of a plugin is not sent. */
function subrequestProblem({ method, path, headers }: AskMessage): string | null {
  if (!/^[A-Z]{1,20}$/.test(method) || method === 'CONNECT') return 'the method is not valid';
  if (!/^\/[\x21-\x22\x24-\x7e]*$/.test(path)) return 'the path is not valid';
  return problemOfHeaders(headers);
}
