// A token in its compact form (RFC 7515 section 7.1), parsed and not yet verified.
import { strictObject } from './strict-json.ts';

export interface Token {
  readonly algorithm: string;
  /** '' without one. */
  readonly keyId: string;
  readonly claims: Readonly<Record<string, unknown>>;
  /** The signed text. */
  readonly signed: Buffer;
  readonly signature: Buffer;
}

const FORM = /^[\w-]+\.[\w-]+\.[\w-]+$/;
/** The last character of a text, by the characters after the last full four: the bits that belong to no byte are zero. Absent: any. */
const LAST_CHARACTERS = [undefined, '', 'AQgw', 'AEIMQUYcgkosw048'] as const;
const MAX_KEY_ID = 256;
/** Of access tokens, in lower case; tokens for other purposes have other types (RFC 8725 section 3.11). */
const ACCESS_TOKEN_TYPES: ReadonlySet<unknown> = new Set([undefined, 'jwt', 'at+jwt', 'application/jwt', 'application/at+jwt']);
/** Extensions that change what is signed, and nested tokens. The keys that a header may bring (jwk, jku, x5c, x5u) are ignored. */
const REFUSED_MEMBERS = ['crit', 'b64', 'zip', 'enc', 'cty'] as const;

/** The parts of a token, or null if it has not exactly this form and one of these types (undefined: none); those of access tokens by default. */
export function parseToken(text: string, types: ReadonlySet<unknown> = ACCESS_TOKEN_TYPES): Token | null {
  if (!FORM.test(text)) return null;
  const [head, body, signature] = text.split('.').map(canonical);
  const header = objectIn(head);
  const claims = objectIn(body);
  if (header === null || claims === null || !isUsable(header, types) || !signature) return null;
  const { alg, kid = '' } = header as { readonly alg: string; readonly kid?: string };
  return { algorithm: alg, keyId: kid, claims, signed: Buffer.from(text.slice(0, text.lastIndexOf('.')), 'latin1'), signature };
}

function objectIn(bytes: Buffer | null | undefined): ReturnType<typeof strictObject> {
  return bytes ? strictObject(bytes) : null;
}

function isUsable(header: Readonly<Record<string, unknown>>, types: ReadonlySet<unknown>): boolean {
  const { alg, kid = '', typ } = header;
  if (typeof alg !== 'string' || typeof kid !== 'string' || kid.length > MAX_KEY_ID) return false;
  if (!types.has(typeof typ === 'string' ? typ.toLowerCase() : typ)) return false;
  return !REFUSED_MEMBERS.some((name) => Object.hasOwn(header, name));
}

/** The bytes of a text in the alphabet of base64url; null if it is not the one spelling of them (RFC 4648 section 3.5). */
function canonical(text: string): Buffer | null {
  const last = LAST_CHARACTERS[text.length % 4];
  return last === undefined || last.includes(text.charAt(text.length - 1)) ? Buffer.from(text, 'base64url') : null;
}
