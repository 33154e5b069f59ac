// The connection to an admin API: its URL, and the certificates to trust.
import { readFileSync } from 'node:fs';
import { Agent, fetch as send } from 'undici';
import type { Send } from '../../client/admin-client.ts';
import { UsageError } from '../command.ts';

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** The origin of a URL. Throws a UsageError for one that is none, or that would send credentials in the clear. */
export function originOf(text: string): string {
  if (!URL.canParse(text)) throw new UsageError(`${JSON.stringify(text)} is no URL; the admin API has one like https://admin.example.com`);
  const { protocol, hostname, origin, username, password, pathname, search } = new URL(text);
  if (protocol !== 'http:' && protocol !== 'https:') throw new UsageError(`${JSON.stringify(text)} has neither http nor https`);
  if (username + password !== '') throw new UsageError('a URL with a name or a password is refused; log in with --user');
  if (pathname !== '/' || search !== '') throw new UsageError(`${JSON.stringify(text)} has more than the origin; take ${origin}`);
  if (protocol === 'http:' && !LOOPBACK.test(hostname))
    throw new UsageError(
      `${origin} would carry credentials over the network in the clear; take https, or forward the port to this machine`,
    );
  return origin;
}

/** Sends requests that trust a CA; '': those of the machine. */
export function senderFor(caFile: string): Send {
  if (caFile === '') return (url, request) => send(url, request as object) as unknown as Promise<Response>;
  const dispatcher = new Agent({ connect: { ca: readFileSync(caFile) } });
  return (url, request) => send(url, { ...(request as object), dispatcher }) as unknown as Promise<Response>;
}
