// HTTP message signatures (RFC 9421) of requests of tests, made without the code of the proxy.
import { createHash, createHmac } from 'node:crypto';

/** The secret of `ALICE`. */
export const SECRET = 'alice-secret-0123456789abcdef';

/** A Consumer with a shared secret, whose key id is `alice`. */
export const ALICE = `
apiVersion: v1
kind: Secret
metadata: { name: alice, namespace: default }
stringData: { secret: ${SECRET} }
---
apiVersion: gateway.weir.dev/v1alpha1
kind: Consumer
metadata: { name: alice, namespace: default }
spec: { credentials: [{ hmac: { keyId: alice, secretRef: { name: alice }, key: secret } }] }
---
`;

/** A request to sign. The values of components are those that the test claims, true or not. */
export interface ToSign {
  readonly components: Readonly<Record<string, string>>;
  readonly keyId: string;
  readonly sign: (base: Buffer) => Buffer;
  readonly created?: number | null;
  /** Further parameters as they are in the field, such as `;nonce="1"`. */
  readonly more?: string;
  readonly label?: string;
}

export function seconds(offset = 0): number {
  return Math.floor(Date.now() / 1_000) + offset;
}

/** The fields Signature-Input and Signature. */
export function signatureHeaders({
  components,
  keyId,
  sign,
  created = seconds(),
  more = '',
  label = 'sig',
}: ToSign): Record<string, string> {
  const identifiers = Object.keys(components).map((name) => (name.startsWith('"') ? name : `"${name}"`));
  const parameters = `(${identifiers.join(' ')})${created === null ? '' : `;created=${created}`};keyid="${keyId}"${more}`;
  const lines = Object.values(components).map((value, i) => `${identifiers[i]}: ${value}\n`);
  const signature = sign(Buffer.from(`${lines.join('')}"@signature-params": ${parameters}`, 'latin1'));
  return { 'signature-input': `${label}=${parameters}`, signature: `${label}=:${signature.toString('base64')}:` };
}

export function hmacOf(secret: string): (base: Buffer) => Buffer {
  return (base) => createHmac('sha256', secret).update(base).digest();
}

export function digestOf(body: string): string {
  return `sha-256=:${createHash('sha256').update(body).digest('base64')}:`;
}
