// The resource /hubs: the hubs of topics, and messages that operators publish in them.
import { Type, type Static } from '#lib/typebox.ts';
import { hubsIn, type KnownHub } from '#api/policy/hubs.ts';
import { MAX_NAME, MAX_TOPIC_DATA, TOPIC_NAME } from '#api/wire/telemetry-limits.ts';
import type { Action } from '#api/wire/telemetry-messages.ts';
import { didYouMean } from '#lib/nearest.ts';
import { err, ok } from '#lib/result.ts';
import type { Fleet } from '../telemetry/fleet.ts';
import type { ProxyEnd } from '../telemetry/hub.ts';
import { commandLines } from './command-lines.ts';
import { invalid, operation, type Operation, type Outcome } from './operation.ts';

const CLOSED = { additionalProperties: false };
const PublishInput = Type.Object(
  {
    /** NAMESPACE/NAME. */
    hub: Type.String({ minLength: 3, maxLength: MAX_NAME }),
    topic: Type.String({ pattern: TOPIC_NAME, '~must': 'the name of a topic: letters, digits and . _ ~ : @ - in parts between slashes' }),
    /** Any JSON. */
    data: Type.Unknown(),
  },
  CLOSED,
);
/** Proxies that are asked one after the other, until one has Redis. */
const MAX_TRIES = 10;

/** The answer of `GET /hubs`. */
export interface HubList {
  readonly hubs: readonly KnownHub[];
}

/** The answer to a publication. */
export interface Published {
  /** The id of the message: at each proxy for topics in memory, at one of them for those in Redis. */
  readonly messages: readonly { readonly proxy: string; readonly id: string }[];
  readonly proxies: readonly ProxyEnd[];
}

/** The fleet, as hubs see it. */
type Publishing = Pick<Fleet, 'command' | 'proxies' | 'resources'>;

/** `GET /hubs` and `POST /hubs/publish`. */
export function hubOperations(fleet: Publishing): readonly Operation[] {
  return [
    operation('GET /hubs', Type.Object({}, CLOSED), () => Promise.resolve(ok({ hubs: hubsIn(fleet.resources()) } satisfies HubList))),
    operation('POST /hubs/publish', PublishInput, (input) => publish(fleet, input)),
  ];
}

async function publish(fleet: Publishing, { hub: name, topic, data: value }: Static<typeof PublishInput>): Promise<Outcome> {
  const hubs = hubsIn(fleet.resources());
  const meant = hubs.filter(({ hub }) => hub === name);
  if (meant.length === 0) {
    const hint = didYouMean(
      name,
      hubs.map(({ hub }) => hub),
    );
    return err({ status: 404, detail: `no HTTPPolicy in force has the hub ${JSON.stringify(name)}${hint}` });
  }
  const data = JSON.stringify(value);
  const most = Math.min(MAX_TOPIC_DATA, ...meant.map(({ maxMessageSize }) => maxMessageSize));
  if (Buffer.byteLength(data) > most) return invalid([{ field: 'data', reason: `must have at most ${most} bytes as JSON` }]);
  const published: Published[] = [];
  for (const each of meant) published.push(await publishIn(fleet, each, topic, data));
  return ok({
    messages: published.flatMap(({ messages }) => messages),
    proxies: published.flatMap(({ proxies }) => proxies),
  } satisfies Published);
}

/** Each proxy has its own topics in memory, and all have those in Redis. */
async function publishIn(
  fleet: Publishing,
  { hub, store: place, messages, ageMs }: KnownHub,
  topic: string,
  data: string,
): Promise<Published> {
  const action: Action = { action: 'publishTopic', publishTopic: { hub, topic, data, place, messages, ageMs } };
  if (place === 'Memory') return command(fleet, action, null);
  const nodes = new Set((await fleet.proxies()).flatMap(({ node, state }) => (state === 'reporting' ? [node] : [])));
  let last: Published = { messages: [], proxies: [] };
  for (const node of [...nodes].slice(0, MAX_TRIES)) {
    last = await command(fleet, action, [node]);
    // One that does not answer in time may have published it.
    if (last.proxies.some(({ outcome }) => outcome !== 'refused')) return last;
  }
  return last;
}

async function command(fleet: Publishing, action: Action, proxies: readonly string[] | null): Promise<Published> {
  const messages: { proxy: string; id: string }[] = [];
  const ends = await commandLines(
    fleet,
    action,
    (proxy, id) => {
      if (typeof id === 'string' && id.length <= MAX_NAME) messages.push({ proxy, id });
    },
    { proxies },
  );
  return { messages, proxies: ends };
}
