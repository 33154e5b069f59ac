// A plugin of a policy across the versions of its module: each request has one version, a new one takes over once it runs, and an old one
// ends after its requests.
import { createHash } from 'node:crypto';
import type { PluginLine } from '#api/wire/plugin-lines.ts';
import type { Histogram } from '#lib/histogram.ts';
import type { Log } from '#lib/log.ts';
import { ERRORS, withDetail, type ExchangeError } from '../exchange/errors.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { PluginHook, PluginOutcome, PluginSettings, RunningPlugin } from '../exchange/plugins.ts';
import type { SecurityEvents } from '../exchange/security-events.ts';
import type { Ask } from '../exchange/subrequest.ts';
import { applyChanges, applyEdits, refusalOf } from './changes.ts';
import { finalAttributes, wasmPart } from './exchange-attributes.ts';
import { headersText, requestText } from './head-text.ts';
import { LogLines } from './log-lines.ts';
import type { LoopIsolate, LoopOutcome } from './loop-isolate.ts';
import type { CallFailure, CallMessage, Reply, RequestHead } from './message.ts';
import type { Failure, Outcome } from './outcome.ts';
import type { PluginCounts } from './plugin-counts.ts';
import { PluginServices } from './plugin-services.ts';
import { PluginVersion } from './plugin-version.ts';
import { endVisit, keepVisit, Visit, visitOf } from './visits.ts';

const FAILURES: Readonly<Record<Failure, ExchangeError>> = {
  failed: ERRORS.pluginFailed,
  lost: ERRORS.pluginFailed,
  timeout: ERRORS.pluginTimeout,
  memory: ERRORS.pluginMemory,
  unusable: ERRORS.pluginUnavailable,
  paused: ERRORS.pluginUnavailable,
  busy: ERRORS.pluginUnavailable,
};

export interface PluginDependencies {
  readonly ask: Ask;
  readonly counts: PluginCounts;
  readonly log: Log | undefined;
  readonly events: SecurityEvents;
  /** The plugin is closed. */
  readonly closed: (plugin: WorkerPlugin) => void;
}

/** A plugin without its counts. */
export type PluginState = Omit<PluginLine, 'workers' | 'calls' | 'failures' | 'crashes'>;

/** The calls of a hook: those that succeeded, and the times of all. */
interface HookCount {
  readonly ok: { value: number };
  readonly duration: Histogram;
}

/** The values of `RunningPlugin.call`. */
type CallValues = Parameters<RunningPlugin['call']>;

const PASSED: PluginOutcome = { type: 'passed' };

export class WorkerPlugin implements RunningPlugin {
  readonly #settings: PluginSettings;
  readonly #dependencies: PluginDependencies;
  readonly #lines: LogLines;
  readonly #services: PluginServices;
  readonly #unfollow: () => void;
  #current: PluginVersion | null = null;
  readonly #hooks = new Map<PluginHook, HookCount>();
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

  /** For operators. */
  get state(): PluginState {
    const { policy, name, language } = this.#settings;
    const { place, reason } = this.#current?.state ?? { place: 'missing', reason: '' };
    return { policy, plugin: name, language, version: this.#digest, place, reason };
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

  call(...values: CallValues): PluginOutcome | Promise<PluginOutcome> {
    const { duration } = this.#hook(values[0]);
    const began = performance.now();
    const outcome = this.#call(values);
    if (outcome instanceof Promise) return timed(outcome, duration, began);
    duration.observe(performance.now() - began);
    return outcome;
  }

  #call(values: CallValues): PluginOutcome | Promise<PluginOutcome> {
    const [hook, exchange] = values;
    const visit = this.#visit(exchange);
    if (visit === null) return this.#failure(hook, 'unusable', 'the module does not exist');
    const { loop } = visit.version;
    if (loop === null || !visit.mayRunOn(loop)) return this.#callThread(visit, values);
    const outcome = this.#callLoop(hook, exchange, visit, loop);
    if (outcome === null) return this.#callThread(visit, values);
    if (typeof outcome === 'string') return this.#applyEdits(hook, exchange, outcome);
    return outcome instanceof Promise ? outcome.then((late) => this.#ended(hook, exchange, late)) : this.#ended(hook, exchange, outcome);
  }

  ended(exchange: Exchange): void {
    endVisit(exchange, this, this.#settings.wasm === null ? undefined : finalAttributes);
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

  get #digest(): string {
    const source = this.#current?.source;
    return source === undefined ? '' : createHash('sha256').update(source).digest('hex').slice(0, 16);
  }

  #open(): PluginVersion | null {
    const source = this.#settings.module.value;
    if (source === null) return null;
    const { language, name, config, backends, wasm, callTime, timeout, memory } = this.#settings;
    const { counts, log } = this.#dependencies;
    return new PluginVersion({
      ...{ source, language, name, config, wasm, callTime, timeout, memory, backends: [...backends.keys()] },
      asked: (request, bytes, from) => this.#services.serve(request, bytes, from),
      crashed: (failure, reason) => {
        counts.crashed(this.#settings, failure);
        this.#tellStop(failure, reason);
        this.#warn('the isolate of a plugin ended and starts again', reason);
      },
      moved: (to, reason) => {
        counts.moved(this.#settings, to);
        if (this.#lines.admit()) log?.info({ ...this.#labels, to, reason }, 'a plugin moved');
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

  /** An exchange that only one hook sees has no state to keep. */
  #visit(exchange: Exchange): Visit | null {
    const known = visitOf(exchange, this);
    const version = this.#current;
    if (known !== null || version === null) return known;
    const visit = new Visit(version.hasFollowers ? ++this.#lastExchange : 0, version);
    return version.hasFollowers ? keepVisit(exchange, this, visit) : visit;
  }

  /** A hook for answers is the last one of an exchange there. */
  #callLoop(hook: PluginHook, exchange: Exchange, visit: Visit, loop: LoopIsolate): LoopOutcome {
    const { id } = visit;
    if (hook === 'onRequest') {
      if (id !== 0) visit.enterLoop(loop);
      return loop.request(requestText(exchange), id);
    }
    const request = visit.isAt(loop) ? null : requestText(exchange);
    return loop.response(request, id, exchange.status, headersText(exchange.responseHeaders));
  }

  async #callThread(visit: Visit, values: CallValues): Promise<PluginOutcome> {
    const [hook, exchange, body] = values;
    const { thread, isKnown, state } = visit.id === 0 ? alone(visit.version) : visit.enterThread();
    if (visit.holds && !isKnown) return this.#failure(hook, 'lost', 'the isolate ended while it had a part of the body');
    const message = {
      ...{ exchange: visit.id, keep: visit.id !== 0 },
      ...messageOf(values, isKnown),
      ...(state === null ? {} : { state }),
      ...(this.#settings.wasm === null ? {} : wasmPart(hook, exchange, isKnown)),
    };
    const outcome = await thread.call(message, body);
    visit.holds ||= hook.endsWith('Chunk') && outcome.ok && outcome.changes?.replaces === true;
    return this.#ended(hook, exchange, outcome);
  }

  #ended(hook: PluginHook, exchange: Exchange, outcome: Outcome): PluginOutcome {
    if (exchange.phase === 'done') return PASSED;
    return outcome.ok ? this.#apply(hook, exchange, outcome) : this.#failure(hook, outcome.failure, outcome.reason);
  }

  #applyEdits(hook: PluginHook, exchange: Exchange, edits: string): PluginOutcome {
    const problem = edits === '' ? null : applyEdits(exchange, hook, edits);
    if (problem !== null) return this.#failure(hook, 'failed', problem);
    this.#hook(hook).ok.value++;
    return PASSED;
  }

  #apply(hook: PluginHook, exchange: Exchange, { changes, bytes }: Extract<Outcome, { readonly ok: true }>): PluginOutcome {
    const problem = changes === null ? null : applyChanges(exchange, hook, changes, bytes);
    if (problem !== null) return this.#failure(hook, 'failed', problem);
    this.#hook(hook).ok.value++;
    if (changes === null) return PASSED;
    if (changes.reply !== undefined) return answered(hook, changes.reply, bytes);
    const trailers = changes.trailers === undefined ? {} : { trailers: changes.trailers };
    return changes.replaces === true ? { type: 'replaced', body: bytes ?? Buffer.alloc(0), ...trailers } : { type: 'passed', ...trailers };
  }

  #hook(hook: PluginHook): HookCount {
    const known = this.#hooks.get(hook);
    if (known !== undefined) return known;
    const { counts } = this.#dependencies;
    const made = { ok: counts.calls(this.#settings, hook, 'ok'), duration: counts.durations(this.#settings, hook) };
    this.#hooks.set(hook, made);
    return made;
  }

  #failure(hook: PluginHook, failure: Failure, reason: string): PluginOutcome {
    this.#dependencies.counts.calls(this.#settings, hook, failure).value++;
    this.#warn(`${hook} of a plugin failed`, reason);
    return { type: 'failed', error: withDetail(FAILURES[failure], `${this.#name}: ${reason}`) };
  }

  /** A plugin that takes more than it may is wrong or hostile. */
  #tellStop(failure: CallFailure, reason: string): void {
    if (failure !== 'timeout' && failure !== 'memory') return;
    const { policy, name } = this.#settings;
    this.#dependencies.events.emit('plugin_stopped', null, { policy, rule: name, reason });
  }

  #warn(message: string, reason: string): void {
    if (this.#lines.admit()) this.#dependencies.log?.warn({ ...this.#labels, reason }, message);
  }

  get #labels(): { readonly policy: string; readonly plugin: string } {
    return { policy: this.#settings.policy, plugin: this.#settings.name };
  }
}

/** Resolves as the call does. */
async function timed(call: Promise<PluginOutcome>, duration: Histogram, began: number): Promise<PluginOutcome> {
  const outcome = await call;
  duration.observe(performance.now() - began);
  return outcome;
}

/** A call that needs no state. */
function alone({ thread }: PluginVersion): ReturnType<Visit['enterThread']> {
  return { thread, isKnown: false, state: null };
}

/** What a call says, with the heads that the isolate does not have. */
function messageOf(
  [hook, exchange, , isLast, trailers]: CallValues,
  isKnown: boolean,
): Omit<CallMessage, 'type' | 'call' | 'exchange' | 'keep'> {
  const hasAnswer = hook.startsWith('onResponse') && (hook !== 'onResponseChunk' || !isKnown);
  return {
    hook,
    ...(isKnown ? {} : { request: requestHead(exchange) }),
    ...(hasAnswer ? { response: { status: exchange.status, headers: exchange.responseHeaders } } : {}),
    ...(hook.endsWith('Chunk') || hook.endsWith('Body') ? { isLast } : {}),
    ...(trailers === undefined ? {} : { trailers }),
  };
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
