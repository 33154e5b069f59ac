// The token of a session, in base64url: version, times, names of backend and endpoint, signature. The signature also covers the scope: a
// token of another rule or cookie is not valid.
import { BACKEND_BYTES, ENDPOINT_BYTES } from './session-keys.ts';
import type { SessionKey, SessionKeys } from './session-keys.ts';

const VERSION = 1;
const TIME_BYTES = 6;
const CREATED_AT = 1;
const RENEWED_AT = CREATED_AT + TIME_BYTES;
const BACKEND_AT = RENEWED_AT + TIME_BYTES;
const ENDPOINT_AT = BACKEND_AT + BACKEND_BYTES;
const SIGNATURE_AT = ENDPOINT_AT + ENDPOINT_BYTES;
const TOKEN_BYTES = SIGNATURE_AT + 32;
/** Characters of every token. */
export const TOKEN_LENGTH = Math.ceil((TOKEN_BYTES * 4) / 3);

/** The content of a token. Times in milliseconds since the epoch. */
export interface TokenContent {
  readonly createdAt: number;
  readonly renewedAt: number;
  /** Names by the key of the token. */
  readonly backend: string;
  readonly endpoint: string;
}

/** A valid token. */
export interface Token extends TokenContent {
  readonly key: SessionKey;
}

export function writeToken(key: SessionKey, scope: string, { createdAt, renewedAt, backend, endpoint }: TokenContent): string {
  const token = Buffer.alloc(TOKEN_BYTES);
  token[0] = VERSION;
  token.writeUIntBE(createdAt, CREATED_AT, TIME_BYTES);
  token.writeUIntBE(renewedAt, RENEWED_AT, TIME_BYTES);
  token.write(backend, BACKEND_AT, BACKEND_BYTES, 'latin1');
  token.write(endpoint, ENDPOINT_AT, ENDPOINT_BYTES, 'latin1');
  key.sign(scope, token.subarray(0, SIGNATURE_AT)).copy(token, SIGNATURE_AT);
  return token.toString('base64url');
}

/** Null unless a key has signed the text for the scope. A text of another length costs nothing. */
export function readToken(keys: SessionKeys, scope: string, text: string): Token | null {
  if (text.length !== TOKEN_LENGTH) return null;
  const token = Buffer.from(text, 'base64url');
  if (token.length !== TOKEN_BYTES || token[0] !== VERSION) return null;
  const key = keys.signerOf(scope, token.subarray(0, SIGNATURE_AT), token.subarray(SIGNATURE_AT));
  if (key === null) return null;
  return {
    key,
    createdAt: token.readUIntBE(CREATED_AT, TIME_BYTES),
    renewedAt: token.readUIntBE(RENEWED_AT, TIME_BYTES),
    backend: token.toString('latin1', BACKEND_AT, ENDPOINT_AT),
    endpoint: token.toString('latin1', ENDPOINT_AT, SIGNATURE_AT),
  };
}
