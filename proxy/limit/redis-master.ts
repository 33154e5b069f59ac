// A server of Redis that counts: the only one, or a master of a Cluster. It has a breaker of its own, so that the keys of the others go on
// counting, and a lane for the commands of requests.
import { Cluster } from 'ioredis';
import { laneClient, type RedisClient } from '#lib/redis.ts';
import { RedisLane, type LaneCommand } from '#lib/redis-lane.ts';
import { RedisBreaker } from './redis-breaker.ts';

export class RedisMaster {
  readonly breaker = new RedisBreaker();
  readonly #address: string;
  readonly #timeoutMs: number;
  #client: RedisClient | null = null;
  #lane: RedisLane | null = null;

  /** `address`: as the slots of a Cluster name it; '' outside a Cluster. */
  constructor(address: string, timeoutMs: number) {
    this.#address = address;
    this.#timeoutMs = timeoutMs;
  }

  /** Sends a command by the lane. False: it is not ready, and the client must send it. */
  send(client: RedisClient, text: string, command: LaneCommand): boolean {
    if (client !== this.#client) this.#open(client);
    if (this.#lane?.isReady !== true) return false;
    this.#lane.send(text, command);
    return true;
  }

  close(): void {
    this.#lane?.close();
    this.#lane = null;
  }

  /** A lane to the server of this client: it has the present secrets. */
  #open(client: RedisClient): void {
    const node = client instanceof Cluster ? client.nodes('master').find(({ options }) => addressOf(options) === this.#address) : client;
    if (node === undefined) return;
    this.close();
    this.#client = client;
    this.#lane = new RedisLane(laneClient(node), this.#timeoutMs);
  }
}

/** As the slots of a Cluster name it. */
export function addressOf({ host = '', port = 0 }: { readonly host?: string | undefined; readonly port?: number | undefined }): string {
  return `${host}:${port}`;
}
