// The credentials of a NATS server, from the entries of a Secret.
import { err, ok } from '#lib/result.ts';
import type { Result } from '#lib/result.ts';
import { parseSeed } from './nkey.ts';

/** The fields of CONNECT that prove the identity. `nonce`: that of the server's INFO, '' without one. */
export type NatsLogin = (nonce: string) => Readonly<Record<string, string>>;

/** Without credentials. */
export const ANONYMOUS: NatsLogin = () => ({});

/** The entries of a Secret that are read, in this order of preference. */
const FORMS = [
  { entries: ['creds'], read: fromCreds },
  { entries: ['nkey'], read: fromSeed },
  { entries: ['token'], read: fromToken },
  { entries: ['username', 'password'], read: fromPassword },
] as const;

const JWT = /-----BEGIN NATS USER JWT-----\s*([\w.-]+)\s*-+END NATS USER JWT-+/;
const SEED = /-----BEGIN USER NKEY SEED-----\s*([A-Z2-7]+)\s*-+END USER NKEY SEED-+/;

/** Reads the first form that the entries have. The reason completes "Secret/ns/name ...", and contains no entry. */
export function readCredentials(entries: Readonly<Record<string, string>>): Result<NatsLogin> {
  const form = FORMS.find(({ entries: names }) => names.every((name) => Object.hasOwn(entries, name)));
  if (form !== undefined) return form.read(entries);
  return err('has none of these entries: creds; nkey; token; username and password');
}

function fromCreds({ creds = '' }: Readonly<Record<string, string>>): Result<NatsLogin> {
  const jwt = JWT.exec(creds)?.[1];
  const seed = SEED.exec(creds)?.[1];
  if (jwt === undefined || seed === undefined) return err('has an entry creds without the JWT and the seed of a user');
  const key = parseSeed(seed);
  return key.ok ? ok((nonce) => ({ jwt, sig: key.value.sign(nonce) })) : err(`has an entry creds whose seed ${key.error}`);
}

function fromSeed({ nkey = '' }: Readonly<Record<string, string>>): Result<NatsLogin> {
  const key = parseSeed(nkey);
  if (!key.ok) return err(`has an entry nkey that ${key.error}`);
  const { publicKey, sign } = key.value;
  return ok((nonce) => ({ nkey: publicKey, sig: sign(nonce) }));
}

function fromToken({ token = '' }: Readonly<Record<string, string>>): Result<NatsLogin> {
  return ok(() => ({ auth_token: token.trim() }));
}

function fromPassword({ username = '', password = '' }: Readonly<Record<string, string>>): Result<NatsLogin> {
  return ok(() => ({ user: username, pass: password }));
}
