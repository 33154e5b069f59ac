// A hub of topics in a proxy, and clients of it.
import { once } from 'node:events';
import { expect } from '@jest/globals';
import { WebSocket } from 'ws';
import { manifest, SecurityRig } from '../security/rig.ts';
import { closeLater } from '../support/fixture.ts';
import { status } from '../support/message.ts';
import type { Manifest } from '../support/objects.ts';
import type { RawClient } from '../support/raw-client.ts';
import { until } from '../support/until.ts';

export const HUB_ROUTE = { kind: 'HTTPRoute', name: 'app' };
/** All clients may publish. */
export const ALL = { publish: 'true' };

export function hubPolicy(hub: object, name = 'live'): Manifest {
  return manifest('HTTPPolicy', name, { targetRefs: [HUB_ROUTE], hub });
}

/** A proxy with a hub at `/live`. */
export function startHub(hub: object = ALL, more: readonly Manifest[] = []): Promise<SecurityRig> {
  return SecurityRig.start([hubPolicy(hub), ...more], { matches: [{ path: { value: '/live' } }] });
}

/** The request that publishes a message. */
export function posted(topic: string, body: string, headers = 'content-type: application/json'): string {
  return `POST /live/${topic} HTTP/1.1\r\nHost: a\r\n${headers}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

/** Publishes data. Resolves to the id of the message. */
export async function publish(rig: Pick<SecurityRig, 'ask'>, topic: string, data: unknown): Promise<string> {
  const answer = await rig.ask(posted(topic, JSON.stringify(data)));
  expect([status(answer), answer.body]).toEqual([200, expect.stringContaining('"id"')]);
  return (JSON.parse(answer.body) as { id: string }).id;
}

type Said = Readonly<Record<string, unknown>>;

/** A WebSocket client that keeps what it gets. */
export class HubClient {
  readonly socket: WebSocket;
  readonly got: Said[] = [];
  /** The code and the reason of the close frame; null before it. */
  close: readonly [number, string] | null = null;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('error', () => undefined);
    socket.on('message', (bytes) => this.got.push(JSON.parse((bytes as Buffer).toString()) as Said));
    socket.on('close', (code, reason) => (this.close = [code, reason.toString()]));
    closeLater(() => socket.terminate());
  }

  static async open({ proxy }: { readonly proxy: { readonly port: number } }, query = '', options: object = {}): Promise<HubClient> {
    const client = new HubClient(new WebSocket(`ws://127.0.0.1:${proxy.port}/live${query}`, ['weir.hub.v1'], options));
    await once(client.socket, 'open');
    return client;
  }

  say(message: object): void {
    this.socket.send(JSON.stringify(message));
  }

  /** The first message of a type with these fields. */
  async next(type: string, fields: Said = {}): Promise<Said> {
    const found = (): Said | undefined =>
      this.got.find((each) => each['type'] === type && Object.entries(fields).every(([name, value]) => each[name] === value));
    await until(() => found() !== undefined, `a message of type ${type}`);
    return found() as Said;
  }

  /** Subscribes, again as long as the store of the topic does not answer in time. */
  async subscribed(topic: string, after?: string): Promise<Said> {
    for (;;) {
      const known = this.got.length;
      this.say({ type: 'subscribe', topic, after });
      const answer = (): Said | undefined =>
        this.got.slice(known).find((each) => each['topic'] === topic && (each['type'] === 'subscribed' || each['type'] === 'error'));
      await until(() => answer() !== undefined, `an answer to the subscription to ${topic}`);
      const said = answer() as Said;
      if (said['type'] === 'subscribed') return said;
      expect(said).toMatchObject({ code: 'unavailable' });
    }
  }

  /** The data of the messages so far. */
  data(): unknown[] {
    return this.got.filter(({ type }) => type === 'message').map(({ data }) => data);
  }

  async closed(): Promise<number> {
    await until(() => this.close !== null, 'the close');
    return this.close?.[0] ?? 0;
  }
}

interface ServerEvent {
  readonly event: string;
  readonly id: string;
  readonly data: string;
}

/** Reads server-sent events of a connection by HTTP/1.1. */
export class EventReader {
  readonly #client: RawClient;

  constructor(client: RawClient) {
    this.#client = client;
  }

  get head(): string {
    return this.#client.received.split('\r\n\r\n', 1)[0] ?? '';
  }

  /** The last chunk has come. */
  get ended(): boolean {
    return this.#client.received.endsWith('0\r\n\r\n');
  }

  /** Ends the connection. */
  end(): void {
    this.#client.end();
  }

  /** Resets the connection. */
  leave(): void {
    this.#client.reset();
  }

  get comments(): number {
    return this.#blocks().filter((block) => block.startsWith(':')).length;
  }

  get events(): readonly ServerEvent[] {
    const field = (block: string, name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? '';
    return this.#blocks()
      .filter((block) => block.includes('data: '))
      .map((block) => ({ event: field(block, 'event') || 'message', id: field(block, 'id'), data: field(block, 'data') }));
  }

  async next(event: string): Promise<ServerEvent> {
    const found = (): ServerEvent | undefined => this.events.find((each) => each.event === event);
    await until(() => found() !== undefined, `the event ${event}`);
    return found() as ServerEvent;
  }

  #blocks(): string[] {
    const body = this.#client.received.split('\r\n\r\n').slice(1).join('\r\n\r\n');
    const text = body.replace(/(^|\r\n)[0-9a-f]+\r\n/g, '').replaceAll('\r\n', '');
    return text.split('\n\n').filter((block) => block !== '');
  }
}
