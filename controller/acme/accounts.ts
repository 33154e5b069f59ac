// The accounts at ACME servers: one client for each account in use. The key of an account is in a Secret, which is created if it is missing.
import { createPrivateKey } from 'node:crypto';
import { Agent } from 'undici';
import { newPrivateKey } from '#lib/certificate-authority.ts';
import type { AcmeSettings } from '../watch/certificates.ts';
import { checkHost, guardedLookup, type AddressGuard } from '#lib/destination.ts';
import { WriteConflict, type CertificateStore } from './certificate-store.ts';
import { AcmeClient } from './client.ts';

/** The entry of the Secret with the key. */
export const ACCOUNT_ENTRY = 'account.key';

/** Connections to a server and to webhooks, which share their authorities. */
interface Connections {
  readonly server: Agent;
  readonly webhooks: Agent;
}

export class Accounts {
  readonly #store: CertificateStore;
  readonly #guard: AddressGuard;
  readonly #signal: AbortSignal;
  readonly #clients = new Map<string, AcmeClient>();
  /** By the authorities that are trusted. */
  readonly #connections = new Map<string, Connections>();

  /** `guard`: for the addresses of webhooks. The server is the choice of the operator. */
  constructor(store: CertificateStore, guard: AddressGuard, signal: AbortSignal) {
    this.#store = store;
    this.#guard = guard;
    this.#signal = signal;
  }

  /** The client of an account. Rejects if its key cannot be read or created. */
  async clientFor(settings: AcmeSettings): Promise<AcmeClient> {
    const accountKey = await this.#keyOf(settings.account);
    const { server, email, binding, caBundle } = settings;
    const id = JSON.stringify([server, email, binding, caBundle, accountKey]);
    let client = this.#clients.get(id);
    if (client === undefined) {
      const { server: dispatcher } = this.#connectionsFor(caBundle);
      client = new AcmeClient({ settings, accountKey, dispatcher, signal: this.#signal });
      this.#clients.set(id, client);
    }
    return client;
  }

  /** Connections to the webhook. Throws if its host must not be connected to. */
  webhooksFor({ caBundle, webhook }: AcmeSettings): Agent {
    if (webhook !== null) checkHost(new URL(webhook.url).hostname.replace(/^\[|\]$/g, ''), this.#guard);
    return this.#connectionsFor(caBundle).webhooks;
  }

  async close(): Promise<void> {
    const all = [...this.#connections.values()].flatMap(({ server, webhooks }) => [server, webhooks]);
    this.#connections.clear();
    await Promise.all(all.map((agent) => agent.destroy()));
  }

  async #keyOf(account: string): Promise<string> {
    const found = await this.#store.read(account);
    const key = found?.entries[ACCOUNT_ENTRY];
    if (key !== undefined) return usable(account, key);
    if (found !== null)
      throw new Error(`Secret/${account} has no ${ACCOUNT_ENTRY}: add the key of the account (P-256, PEM), or delete the Secret`);
    const made = newPrivateKey();
    try {
      await this.#store.write({ key: account, type: 'Opaque', entries: { [ACCOUNT_ENTRY]: made }, before: null });
      return made;
    } catch (error) {
      // Another certificate, or another controller, has created it.
      const other = error instanceof WriteConflict ? (await this.#store.read(account))?.entries[ACCOUNT_ENTRY] : undefined;
      if (other === undefined) throw error;
      return usable(account, other);
    }
  }

  #connectionsFor(caBundle: string): Connections {
    let found = this.#connections.get(caBundle);
    if (found !== undefined) return found;
    const trusted = caBundle === '' ? {} : { ca: caBundle };
    const lookup = guardedLookup(this.#guard);
    found = { server: new Agent({ connect: trusted }), webhooks: new Agent({ connect: { ...trusted, lookup } }) };
    this.#connections.set(caBundle, found);
    return found;
  }
}

function usable(account: string, key: string): string {
  try {
    if (createPrivateKey(key).asymmetricKeyDetails?.namedCurve === 'prime256v1') return key;
  } catch {
    // The message below says enough, and nothing of the key.
  }
  throw new Error(`Secret/${account} has no usable ${ACCOUNT_ENTRY}: it must be a P-256 key in PEM`);
}
