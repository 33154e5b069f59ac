// A stage that hands each chunk of a body, and then its trailers, to a plugin, one at a time and in order, and passes on what comes back.
import type { BodyStage, StageOutlet } from '../../exchange/body-stage.ts';
import { ERRORS, type ExchangeError } from '../../exchange/errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import type { Headers } from '../../exchange/headers.ts';
import type { PluginHook, PluginOutcome, RunningPlugin } from '../../exchange/plugins.ts';

interface Piece {
  readonly bytes: Buffer;
  /** The body ends after it. */
  readonly isLast: boolean;
}

const HOOKS = {
  request: { chunk: 'onRequestChunk', trailers: 'onRequestTrailers' },
  response: { chunk: 'onResponseChunk', trailers: 'onResponseTrailers' },
} as const satisfies Record<string, Record<string, PluginHook>>;

export class ChunkStage implements BodyStage {
  readonly #hooks: (typeof HOOKS)['request' | 'response'];
  readonly #exchange: Exchange;
  readonly #plugin: RunningPlugin;
  readonly #failOpen: boolean;
  readonly #pieces: Piece[] = [];
  #isBusy = false;
  /** The next step has room. */
  #hasRoom = true;
  /** The plugin has changed or held a part of the body. */
  #hasChanged = false;
  #trailers: Headers | null = null;
  #isOver = false;

  constructor(side: 'request' | 'response', exchange: Exchange, plugin: RunningPlugin, failOpen: boolean) {
    this.#hooks = HOOKS[side];
    this.#exchange = exchange;
    this.#plugin = plugin;
    this.#failOpen = failOpen;
  }

  data(chunk: Buffer, out: StageOutlet): boolean {
    if (this.#plugin.has(this.#hooks.chunk) === false) return out.data(chunk);
    this.#pieces.push({ bytes: Buffer.from(chunk), isLast: false });
    this.#next(out);
    return false;
  }

  end(trailers: Headers | null, out: StageOutlet): void {
    this.#trailers = trailers === null ? null : [...trailers];
    const isUnseen =
      this.#plugin.has(this.#hooks.chunk) === false && (trailers === null || this.#plugin.has(this.#hooks.trailers) === false);
    if (isUnseen) return out.end(trailers);
    this.#pieces.push({ bytes: Buffer.alloc(0), isLast: true });
    this.#next(out);
  }

  drained(out: StageOutlet): void {
    this.#hasRoom = true;
    this.#next(out);
  }

  stop(): void {
    this.#isOver = true;
  }

  #next(out: StageOutlet): void {
    if (this.#isBusy || this.#isOver || !this.#hasRoom) return;
    const piece = this.#pieces.shift();
    if (piece === undefined) return out.ready();
    this.#isBusy = true;
    void this.#see(piece, out);
  }

  async #see(piece: Piece, out: StageOutlet): Promise<void> {
    this.#take(piece, await this.#call(piece), out);
  }

  /** A body with trailers ends with these. */
  #call({ bytes, isLast }: Piece): PluginOutcome | Promise<PluginOutcome> {
    const { chunk, trailers } = this.#hooks;
    if (isLast && this.#trailers !== null && this.#plugin.has(trailers) === true)
      return this.#plugin.call(trailers, this.#exchange, null, true, this.#trailers);
    return this.#plugin.call(chunk, this.#exchange, bytes, isLast);
  }

  #take({ bytes, isLast }: Piece, outcome: PluginOutcome, out: StageOutlet): void {
    this.#isBusy = false;
    if (this.#isOver) return;
    const error = this.#obstacle(outcome);
    if (error !== null) return out.fail(error);
    this.#hasChanged ||= outcome.type === 'replaced';
    const next = outcome.type === 'replaced' ? outcome.body : bytes;
    if (next.length > 0) this.#hasRoom = out.data(next);
    if (isLast) return out.end(trailersOf(outcome, this.#trailers));
    this.#next(out);
  }

  /** Why the body cannot go on. What is left of a body that the plugin has changed makes no sense without it. */
  #obstacle(outcome: PluginOutcome): ExchangeError | null {
    if (outcome.type === 'refused') return outcome.error;
    if (outcome.type === 'answered') return ERRORS.pluginFailed;
    return outcome.type === 'failed' && (!this.#failOpen || this.#hasChanged) ? outcome.error : null;
  }
}

function trailersOf(outcome: PluginOutcome, before: Headers | null): Headers | null {
  return 'trailers' in outcome && outcome.trailers !== undefined ? [...outcome.trailers] : before;
}
