// The resource /connections: WebSockets, other tunnels and streams of events that are open at all proxies.
import { Type, type Static } from '#lib/typebox.ts';
import { isConnectionLine, type ConnectionFilter, type ConnectionLine } from '#api/wire/open-connections.ts';
import { MAX_CLOSE_REASON, MAX_LISTED_CONNECTIONS, MAX_NAME } from '#api/wire/telemetry-limits.ts';
import type { Action } from '#api/wire/telemetry-messages.ts';
import { parseAddressRange } from '#lib/address-range.ts';
import { canonicalAddress } from '#lib/ip-address.ts';
import { ok } from '#lib/result.ts';
import type { ProxyEnd } from '../telemetry/hub.ts';
import { commandList, commandSum, type Commanding } from './command-lines.ts';
import { invalid, operation, type Operation, type Outcome } from './operation.ts';

/** Connections in an answer that names no number. */
const TOP = 100;
/** Going away (RFC 6455 section 7.4.1). */
const GOING_AWAY = 1_001;
/** The codes that a close frame may have. */
const CODES = /^(100[0-37-9]|101[0-4]|[34]\d{3})$/;
const KINDS = ['websocket', 'tunnel', 'events', 'hub-websocket', 'hub-events'] as const;

const CLOSED = { additionalProperties: false };
const Name = Type.String({ minLength: 1, maxLength: MAX_NAME });
const FILTER = {
  id: Type.Optional(Name),
  route: Type.Optional(Name),
  principal: Type.Optional(Name),
  source: Type.Optional(Name),
  kind: Type.Optional(Type.Enum([...KINDS])),
};
const ListInput = Type.Object({ ...FILTER, top: Type.Optional(Type.String({ pattern: '^[0-9]{1,6}$' })) }, CLOSED);
const CloseInput = Type.Object(
  {
    ...FILTER,
    all: Type.Optional(Type.Literal(true)),
    code: Type.Optional(Type.Integer({ minimum: 1_000, maximum: 4_999 })),
    reason: Type.Optional(
      Type.String({
        maxLength: MAX_CLOSE_REASON,
        pattern: '^[^\\p{Cc}\\p{Cf}\\u2028\\u2029]*$',
        '~must': 'text without control characters',
      }),
    ),
  },
  CLOSED,
);

/** A connection, and its proxy. */
export interface ShownConnection extends ConnectionLine {
  readonly proxy: string;
}

/** The answer of `GET /connections`. */
export interface ConnectionList {
  /** The oldest first. */
  readonly connections: readonly ShownConnection[];
  /** Connections that have no room in this answer. */
  readonly more: number;
  /** Proxies that do not tell their connections. */
  readonly missing: readonly ProxyEnd[];
}

/** The answer of `DELETE /connections`. */
export interface ConnectionsClosed {
  readonly connections: number;
  readonly proxies: readonly ProxyEnd[];
}

/** `GET /connections` and `DELETE /connections`. */
export function connectionOperations(fleet: Commanding): readonly Operation[] {
  return [
    operation('GET /connections', ListInput, ({ top, ...filter }) => list(fleet, filter, top === undefined ? TOP : Number(top))),
    operation('DELETE /connections', CloseInput, (input) => close(fleet, input)),
  ];
}

async function list(fleet: Commanding, wanted: Partial<ConnectionFilter>, top: number): Promise<Outcome> {
  if (top < 1 || top > MAX_LISTED_CONNECTIONS) return invalid([{ field: 'top', reason: `must be from 1 to ${MAX_LISTED_CONNECTIONS}` }]);
  if (!isSource(wanted.source)) return invalid([SOURCE_FAULT]);
  const action: Action = { action: 'connections', connections: { ...filterOf(wanted), top } };
  const { lines, ...rest } = await commandList<ConnectionLine>(fleet, action, {
    isLine: isConnectionLine,
    rank: ({ since }) => since,
    top,
  });
  return ok({ connections: lines, ...rest } satisfies ConnectionList);
}

async function close(fleet: Commanding, input: Static<typeof CloseInput>): Promise<Outcome> {
  const { all, code = GOING_AWAY, reason = '', ...wanted } = input;
  if ((Object.keys(wanted).length === 0) !== (all === true))
    return invalid([{ field: 'all', reason: 'must be true, or one of id, route, principal, source and kind must be set' }]);
  if (!isSource(wanted.source)) return invalid([SOURCE_FAULT]);
  if (!CODES.test(String(code)))
    return invalid([{ field: 'code', reason: 'must be a code that a close frame may have, such as 1001 or 4000' }]);
  if (Buffer.byteLength(reason) > MAX_CLOSE_REASON)
    return invalid([{ field: 'reason', reason: `must have at most ${MAX_CLOSE_REASON} bytes` }]);
  const action: Action = { action: 'closeConnections', closeConnections: { ...filterOf(wanted), code, reason } };
  const { sum, proxies } = await commandSum(fleet, action);
  return ok({ connections: sum, proxies } satisfies ConnectionsClosed);
}

const SOURCE_FAULT = { field: 'source', reason: 'must be an address, or a range of addresses like 10.0.0.0/8 or fd00::/8' };

function isSource(source: string | undefined): boolean {
  return source === undefined || canonicalAddress(source) !== '' || parseAddressRange(source).ok;
}

function filterOf({ id = '', route = '', principal = '', source = '', kind = '' }: Partial<ConnectionFilter>): ConnectionFilter {
  return { id, route, principal, source, kind };
}
