// The open connections that a proxy or a controller tells: lines of JSON in the answer to the command `connections`, and after them the number
// of connections without room.
import { Type } from '#lib/typebox.ts';
import type { Static } from '#lib/typebox.ts';
import { fits } from '#lib/json-schema.ts';
import { MAX_LISTED_TOPICS, MAX_NAME } from './telemetry-limits.ts';

const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Name = Type.String({ maxLength: MAX_NAME });

const ConnectionLine = Type.Object({
  id: Type.String({ minLength: 1, maxLength: 64 }),
  /** `websocket`, `tunnel`, `events`, `hub-websocket` or `hub-events`. */
  kind: Name,
  /** The key of the rule. */
  route: Name,
  /** `<namespace>/<gateway>/<listener>`. */
  listener: Name,
  /** The address of the client. */
  source: Name,
  /** '' without one. */
  principal: Name,
  /** `<namespace>/<name>`; '' without one. */
  consumer: Name,
  host: Name,
  /** Without the query, which may have tokens. */
  path: Name,
  /** `http/1.1` or `h2`. */
  protocol: Name,
  /** ADDRESS:PORT of the backend; '' at a hub. */
  endpoint: Name,
  /** Milliseconds since the epoch. */
  since: Count,
  bytesIn: Count,
  bytesOut: Count,
  messagesIn: Count,
  messagesOut: Count,
  /** Bytes that wait at the hub until the client reads. */
  waiting: Count,
  topics: Type.Array(Name, { maxItems: MAX_LISTED_TOPICS }),
  /** Topics without room. */
  moreTopics: Count,
});

/** An open connection. */
export type ConnectionLine = Readonly<Static<typeof ConnectionLine>>;

const LineOrCount = Type.Union([Type.Object({ more: Count }), ConnectionLine]);

/** Whether a proxy may say so. */
export function isConnectionLine(line: unknown): line is ConnectionLine | { readonly more: number } {
  return fits(LineOrCount, line);
}

/** Which connections are meant: those that all set fields fit; '' is not set. */
export interface ConnectionFilter {
  readonly id: string;
  /** The key of a rule, or its beginning up to a `/`, with or without the kind. */
  readonly route: string;
  /** The id of a caller, or `<namespace>/<name>` of its Consumer. */
  readonly principal: string;
  /** An address or a range of addresses. */
  readonly source: string;
  readonly kind: string;
}
