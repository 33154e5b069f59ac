// The messages of a hub in the protocol `weir.hub.v1`, as JSON, and as server-sent events (HTML standard, section 9.2).
import { textFrame } from '../../codec/websocket/frames.ts';
import type { TopicMessage } from '../../exchange/topics.ts';

/** The subprotocol of WebSockets. */
export const SUBPROTOCOL = 'weir.hub.v1';

/** Why a hub does not do what a message asks for. */
export type HubErrorCode = 'malformed' | 'denied' | 'too_many' | 'unavailable';

/** A message of a topic. Its data is JSON already. */
export function messageJson(topic: string, { id, data }: TopicMessage): string {
  return `{"type":"message","topic":${JSON.stringify(topic)},"id":"${id}","data":${data}}`;
}

/** The frame of a message, which all WebSockets share. */
export function messageFrame(topic: string, message: TopicMessage): Buffer {
  return (message.frame ??= textFrame(messageJson(topic, message)));
}

/** The event of a message, which all streams of this one topic share. */
export function messageEvent(topic: string, message: TopicMessage): Buffer {
  return (message.event ??= event('message', messageJson(topic, message), message.id));
}

/** The news about a member of a topic, whose data is JSON with type, member and name. */
export function newsJson(topic: string, { data }: TopicMessage): string {
  return `${data.slice(0, -1)},"topic":${JSON.stringify(topic)}}`;
}

/** The frame of news, which all WebSockets share. */
export function newsFrame(topic: string, message: TopicMessage): Buffer {
  return (message.frame ??= textFrame(newsJson(topic, message)));
}

/** An event; `id` '' leaves the last id as it is. */
export function event(name: string, json: string, id: string): Buffer {
  return Buffer.from(`${name === 'message' ? '' : `event: ${name}\n`}${id === '' ? '' : `id: ${id}\n`}data: ${json}\n\n`);
}

/** A sign of life. */
export const COMMENT: Buffer = Buffer.from(':\n\n');
