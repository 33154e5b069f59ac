// Blocks of threat detection over the telemetry stream of a proxy: the controller learns the own ones, for the other proxies of the fleet,
// and tells theirs. Without a stream nothing waits: the next one begins with the blocks in force.
import { MAX_BLOCKS } from '#api/wire/telemetry-limits.ts';
import type { FromProxy, ThreatBlock, ToProxy } from '#api/wire/telemetry-messages.ts';

/** How long new blocks wait for further ones, milliseconds: an attack from many sources makes few messages. */
const GATHER_MS = 50;

/** The blocks of a proxy that other proxies share. */
export interface BlockSharing {
  /** The own ones in force, the oldest first. Each one that begins later is told, until the result is called. */
  follow(begun: (block: ThreatBlock) => void): { readonly blocks: readonly ThreatBlock[]; readonly stop: () => void };
  /** Takes those of other proxies. */
  take(blocks: readonly ThreatBlock[]): void;
}

export class BlockLine {
  readonly #sharing: BlockSharing;
  readonly #send: (message: FromProxy) => unknown;
  #waiting: ThreatBlock[] = [];
  #timer: NodeJS.Timeout | null = null;
  #stop: () => void = () => undefined;

  constructor(sharing: BlockSharing, send: (message: FromProxy) => unknown) {
    this.#sharing = sharing;
    this.#send = send;
  }

  /** The controller has answered the Hello. */
  begin(): void {
    const { blocks, stop } = this.#sharing.follow((block) => this.#add(block));
    this.#stop = stop;
    this.#tell(blocks);
  }

  take(message: Extract<ToProxy, { message: 'shared' }>): void {
    this.#sharing.take(message.shared.blocks);
  }

  /** The stream has ended. */
  close(): void {
    this.#stop();
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #add(block: ThreatBlock): void {
    this.#waiting.push(block);
    this.#timer ??= setTimeout(() => this.#flush(), GATHER_MS).unref();
  }

  #flush(): void {
    const blocks = this.#waiting;
    this.#waiting = [];
    this.#timer = null;
    this.#tell(blocks);
  }

  #tell(blocks: readonly ThreatBlock[]): void {
    for (let i = 0; i < blocks.length; i += MAX_BLOCKS)
      this.#send({ message: 'blocked', blocked: { blocks: blocks.slice(i, i + MAX_BLOCKS) } });
  }
}
