// A plugin of a policy across the versions of its module: each request has one version, a new one takes over once it runs, and an old one
// ends after its calls.
import type { Log } from '#lib/log.ts';
import { ERRORS, withDetail, type ExchangeError } from '../exchange/errors.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Headers } from '../exchange/headers.ts';
import type { PluginHook, PluginOutcome, PluginSettings, RunningPlugin } from '../exchange/plugins.ts';
import { Slot } from '../exchange/slot.ts';
import type { Ask } from '../exchange/subrequest.ts';
import { applyChanges, refusalOf } from './changes.ts';
import { finalAttributes, wasmPart } from './exchange-attributes.ts';
import { LogLines } from './log-lines.ts';
import type { CallMessage, Reply, RequestHead } from './message.ts';
import { PluginIsolate, type Failure, type Outcome } from './plugin-isolate.ts';
import type { PluginCounts } from './plugin-counts.ts';
import { PluginServices } from './plugin-services.ts';

/** Hooks after which another one may follow need the state of the exchange. */
const LATER: readonly PluginHook[] = [
  ...(['onRequestBody', 'onRequestChunk', 'onRequestTrailers'] as const),
  ...(['onResponse', 'onResponseBody', 'onResponseChunk', 'onResponseTrailers'] as const),
];

const FAILURES: Readonly<Record<Failure, ExchangeError>> = {
  failed: ERRORS.pluginFailed,
  lost: ERRORS.pluginFailed,
  timeout: ERRORS.pluginTimeout,
  memory: ERRORS.pluginMemory,
  unusable: ERRORS.pluginUnavailable,
  busy: ERRORS.pluginUnavailable,
};

export interface PluginDependencies {
  readonly ask: Ask;
  readonly counts: PluginCounts;
  readonly log: Log | undefined;
  /** The plugin is closed. */
  readonly closed: (plugin: WorkerPlugin) => void;
}

/** What an exchange has of a plugin. */
interface Visit {
  readonly id: number;
  readonly isolate: PluginIsolate;
  /** The isolate has its heads and its state. */
  generation: number;
  /** The isolate may have a part of a body. */
  holds: boolean;
}

/** Several plugins may see an exchange. */
const visits = new Slot<Map<WorkerPlugin, Visit>>();

export class WorkerPlugin implements RunningPlugin {
  readonly #settings: PluginSettings;
  readonly #dependencies: PluginDependencies;
  readonly #lines: LogLines;
  readonly #services: PluginServices;
  readonly #unfollow: () => void;
  #current: PluginIsolate | null = null;
  #lastExchange = 0;
  #isClosed = false;

  constructor(settings: PluginSettings, dependencies: PluginDependencies) {
    this.#settings = settings;
    this.#dependencies = dependencies;
    this.#lines = new LogLines((dropped) => dependencies.counts.droppedLines(settings, dropped));
    this.#services = new PluginServices(settings, dependencies, this.#lines);
    this.#current = this.#open();
    this.#unfollow = settings.module.onChange(() => void this.#renew());
  }

  has(hook: PluginHook): boolean | null {
    return this.#current?.hooks?.has(hook) ?? null;
  }

  async ready(): Promise<ExchangeError | null> {
    const current = this.#current;
    if (current === null) return withDetail(ERRORS.pluginUnavailable, `${this.#name}: the module does not exist`);
    const reason = await current.ready();
    return reason === null ? null : withDetail(ERRORS.pluginUnavailable, `${this.#name}: ${reason}`);
  }

  async call(hook: PluginHook, exchange: Exchange, body: Buffer | null, isLast: boolean, trailers?: Headers): Promise<PluginOutcome> {
    const visit = this.#visit(exchange);
    if (visit === null) return this.#failure(hook, 'unusable', 'the module does not exist');
    if (visit.holds && visit.generation !== visit.isolate.generation)
      return this.#failure(hook, 'lost', 'the isolate ended while it had a part of the body');
    const message = { ...this.#message(hook, exchange, visit, isLast), ...(trailers === undefined ? {} : { trailers }) };
    const outcome = await visit.isolate.call(message, body);
    if (exchange.phase === 'done') return { type: 'passed' };
    if (!outcome.ok) return this.#failure(hook, outcome.failure, outcome.reason);
    visit.holds ||= hook.endsWith('Chunk') && outcome.changes?.replaces === true;
    return this.#apply(hook, exchange, outcome);
  }

  ended(exchange: Exchange): void {
    const all = visits.get(exchange);
    const visit = all?.get(this);
    if (visit === undefined) return;
    all?.delete(this);
    if (visit.generation !== visit.isolate.generation) return;
    const attributes = this.#settings.wasm === null ? {} : { attributes: finalAttributes(exchange) };
    visit.isolate.tell({ type: 'end', exchange: visit.id, ...attributes }, null);
  }

  close(): void {
    this.#isClosed = true;
    this.#unfollow();
    this.#current?.close();
    this.#dependencies.closed(this);
  }

  get #name(): string {
    return `plugin ${this.#settings.name} of ${this.#settings.policy}`;
  }

  #open(): PluginIsolate | null {
    const source = this.#settings.module.value;
    if (source === null) return null;
    const { language, name, config, backends, wasm, callTime, timeout, memory } = this.#settings;
    return new PluginIsolate({
      ...{ source, language, name, config, wasm, callTime, timeout, memory, backends: [...backends.keys()] },
      asked: (request, bytes, isolate) => this.#services.serve(request, bytes, isolate),
      crashed: (failure, reason) => {
        this.#dependencies.counts.crashed(this.#settings, failure);
        this.#warn('the isolate of a plugin ended and starts again', reason);
      },
    });
  }

  /** The next version takes over when it runs. Until then, and if it does not, the one before stays. */
  async #renew(): Promise<void> {
    const next = this.#open();
    if (next === null) return;
    const reason = await next.ready();
    if (reason !== null) {
      this.#warn('the new version of a plugin cannot be used', reason);
      if (this.#current !== null) return next.close();
    }
    if (this.#isClosed) return next.close();
    const previous = this.#current;
    this.#current = next;
    previous?.close();
  }

  #visit(exchange: Exchange): Visit | null {
    const all = visits.get(exchange) ?? new Map<WorkerPlugin, Visit>();
    const known = all.get(this);
    if (known !== undefined) return known;
    const isolate = this.#current;
    if (isolate === null) return null;
    const visit = { id: ++this.#lastExchange, isolate, generation: -1, holds: false };
    visits.set(exchange, all.set(this, visit));
    return visit;
  }

  #message(hook: PluginHook, exchange: Exchange, visit: Visit, isLast: boolean): Omit<CallMessage, 'type' | 'call'> {
    const { hooks, generation } = visit.isolate;
    const isKnown = visit.generation === generation;
    const keep = LATER.some((each) => hooks?.has(each) === true);
    if (keep) visit.generation = generation;
    const hasAnswer = hook.startsWith('onResponse');
    return {
      ...{ exchange: visit.id, hook, keep },
      ...(isKnown ? {} : { request: requestHead(exchange) }),
      ...(hasAnswer && hook !== 'onResponseChunk' ? { response: { status: exchange.status, headers: exchange.responseHeaders } } : {}),
      ...(hook === 'onResponseChunk' && !isKnown ? { response: { status: exchange.status, headers: exchange.responseHeaders } } : {}),
      ...(hook.endsWith('Chunk') || hook.endsWith('Body') ? { isLast } : {}),
      ...(this.#settings.wasm === null ? {} : wasmPart(hook, exchange, isKnown)),
    };
  }

  #apply(hook: PluginHook, exchange: Exchange, { changes, bytes }: Extract<Outcome, { readonly ok: true }>): PluginOutcome {
    this.#dependencies.counts.called(this.#settings, hook, 'ok');
    if (changes === null) return { type: 'passed' };
    const problem = applyChanges(exchange, hook, changes, bytes);
    if (problem !== null) return this.#failure(hook, 'failed', problem);
    if (changes.reply !== undefined) return answered(hook, changes.reply, bytes);
    const trailers = changes.trailers === undefined ? {} : { trailers: changes.trailers };
    return changes.replaces === true ? { type: 'replaced', body: bytes ?? Buffer.alloc(0), ...trailers } : { type: 'passed', ...trailers };
  }

  #failure(hook: PluginHook, failure: Failure, reason: string): PluginOutcome {
    this.#dependencies.counts.called(this.#settings, hook, failure);
    this.#warn(`${hook} of a plugin failed`, reason);
    return { type: 'failed', error: withDetail(FAILURES[failure], `${this.#name}: ${reason}`) };
  }

  #warn(message: string, reason: string): void {
    if (this.#lines.admit()) this.#dependencies.log?.warn({ ...this.#labels, reason }, message);
  }

  get #labels(): { readonly policy: string; readonly plugin: string } {
    return { policy: this.#settings.policy, plugin: this.#settings.name };
  }
}

/** The head of an answer in place of that of the backend is up to the filter, and of a body that is on its way only the status counts. */
function answered(hook: PluginHook, reply: Reply, bytes: Buffer | null): PluginOutcome {
  if (hook === 'onRequest' || hook === 'onRequestBody') return { type: 'answered' };
  return {
    type: 'refused',
    answer: { status: reply.status, headers: reply.headers, body: bytes ?? Buffer.alloc(0) },
    error: refusalOf(reply),
  };
}

function requestHead(exchange: Exchange): RequestHead {
  const { method, scheme, host, clientAddress, principal, path, query, requestHeaders } = exchange;
  return { method, scheme, host, client: clientAddress, principal: principal?.id ?? null, path, query, headers: requestHeaders };
}
