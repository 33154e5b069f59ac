// A stage that hands each chunk of a body to a plugin, one at a time and in order, and passes on what comes back.
import type { BodyStage, StageOutlet } from '../../exchange/body-stage.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import type { Headers } from '../../exchange/headers.ts';
import type { PluginOutcome, RunningPlugin } from '../../exchange/plugins.ts';

interface Piece {
  readonly bytes: Buffer;
  /** The body ends after it. */
  readonly isLast: boolean;
}

export class ChunkStage implements BodyStage {
  readonly #hook: 'onRequestChunk' | 'onResponseChunk';
  readonly #exchange: Exchange;
  readonly #plugin: RunningPlugin;
  readonly #failOpen: boolean;
  readonly #pieces: Piece[] = [];
  #isBusy = false;
  /** The next step has room. */
  #hasRoom = true;
  #trailers: Headers | null = null;
  #isOver = false;

  constructor(hook: 'onRequestChunk' | 'onResponseChunk', exchange: Exchange, plugin: RunningPlugin, failOpen: boolean) {
    this.#hook = hook;
    this.#exchange = exchange;
    this.#plugin = plugin;
    this.#failOpen = failOpen;
  }

  data(chunk: Buffer, out: StageOutlet): boolean {
    this.#pieces.push({ bytes: Buffer.from(chunk), isLast: false });
    this.#next(out);
    return false;
  }

  end(trailers: Headers | null, out: StageOutlet): void {
    this.#trailers = trailers;
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
    void this.#plugin.call(this.#hook, this.#exchange, piece.bytes, piece.isLast).then((outcome) => this.#take(piece, outcome, out));
  }

  #take({ bytes, isLast }: Piece, outcome: PluginOutcome, out: StageOutlet): void {
    this.#isBusy = false;
    if (this.#isOver) return;
    if (outcome.type === 'failed' && !this.#failOpen) return out.fail(outcome.error);
    const next = outcome.type === 'replaced' ? outcome.body : bytes;
    if (next.length > 0) this.#hasRoom = out.data(next);
    if (isLast) return out.end(this.#trailers);
    this.#next(out);
  }
}
