// Closing WebSockets (RFC 6455 sections 5.5.1 and 7.4.1): the codes for the reasons of the proxy, and the frame.
import { randomBytes } from 'node:crypto';
import { ERRORS } from '../../exchange/errors.ts';
import type { ExchangeError } from '../../exchange/errors.ts';

const GOING_AWAY = 1_001;
const PROTOCOL_ERROR = 1_002;
const POLICY_VIOLATION = 1_008;
const TOO_BIG = 1_009;
const TRY_AGAIN_LATER = 1_013;
/** Never sent: means that there was no close frame. */
export const ABNORMAL = 1_006;

const CODES: ReadonlyMap<ExchangeError, number> = new Map([
  [ERRORS.webSocketMalformed, PROTOCOL_ERROR],
  [ERRORS.webSocketTooLarge, TOO_BIG],
  [ERRORS.webSocketTooFast, POLICY_VIOLATION],
  [ERRORS.credentialRevoked, POLICY_VIOLATION],
  [ERRORS.hubClientTooSlow, TRY_AGAIN_LATER],
  ...[ERRORS.webSocketExpired, ERRORS.idleTimeout, ERRORS.connectionCut].map((error) => [error, GOING_AWAY] as const),
]);

const CLOSE = 0x88;
const MASKED = 0x80;
const MASK_BYTES = 4;

/** The code of a reason for both sides. */
export function closeCodeFor(error: ExchangeError): number {
  return error.close?.code ?? CODES.get(error) ?? PROTOCOL_ERROR;
}

/** A close frame. `reason`: at most 123 bytes. Masks protect caches that take frames for requests; without a reason it needs none. */
export function closeFrame(code: number, masked: boolean, reason = ''): Buffer {
  const payload = Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason)]);
  if (!masked) return Buffer.concat([Buffer.from([CLOSE, payload.length]), payload]);
  const mask = reason === '' ? Buffer.alloc(MASK_BYTES) : randomBytes(MASK_BYTES);
  const hidden = payload.map((octet, i) => octet ^ (mask[i % MASK_BYTES] as number));
  return Buffer.concat([Buffer.from([CLOSE, MASKED | payload.length]), mask, hidden]);
}
