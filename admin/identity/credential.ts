// Secrets that stand for a caller: the store has only their hash. They are random, so that SHA-256 is enough.
import { createHash, createHmac, randomBytes } from 'node:crypto';

/** A new secret of 256 bits. */
export function makeSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** The form of a secret at rest. */
export function storedSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** The token against cross-site request forgery of a session. It follows from the secret of the session, which only the cookie has. */
export function csrfTokenOf(secret: string): string {
  return createHmac('sha256', secret).update('weir csrf').digest('base64url');
}

/** A new code for the loss of the second factor: 100 bits. */
export function makeRecoveryCode(): string {
  const letters = '0123456789abcdefghjkmnpqrstvwxyz';
  const text = [...randomBytes(20)].map((byte) => letters[byte & 31]).join('');
  return text.match(/.{5}/g)?.join('-') ?? text;
}
