// The peers whose connections for requests are refused at accept, before a handshake and without an answer: what operators block.
import type { OperatorBlocks } from '../exchange/operator-blocks.ts';

export class BlockedPeers {
  readonly #blocks: Pick<OperatorBlocks, 'hasAddress'> | null;
  #refused = 0;

  /** Null: nothing is blocked. */
  constructor(blocks: Pick<OperatorBlocks, 'hasAddress'> | null) {
    this.#blocks = blocks;
  }

  /** Whether a connection of the address is refused; then it is counted. */
  refuses(address: string): boolean {
    if (this.#blocks?.hasAddress(address) !== true) return false;
    this.#refused++;
    return true;
  }

  /** Refused connections since the start. */
  get refused(): number {
    return this.#refused;
  }
}
