// An HTTP client of the API server of a test cluster, with the most frequent operations of kubectl but without its start time.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseAllDocuments } from 'yaml';
import { Kinds, pathOf } from './kinds.ts';

const ANSWER_DEADLINE_MS = 30_000;
/** How long requests are repeated that the API server turns away with 429, and how long each waits. */
const BUSY_DEADLINE_MS = 30_000;
const BUSY_PAUSE_MS = 250;
/** The field manager of `apply`; fields that it no longer applies are removed. */
const APPLY = '?fieldManager=test&force=true&fieldValidation=Strict';

/** An answer of the API server. */
export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** The parts of a request besides its target. */
export interface Sent {
  readonly token?: string;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
  /** How long the answer may take; rejects after that. */
  readonly deadlineMs?: number;
}

/** The common fields of objects and lists. */
interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly uid?: string };
  readonly items?: readonly Manifest[];
}

/** An object from the API server. */
export type LiveObject = Record<string, unknown>;

/** The content type and the body of a patch. */
export interface PatchOptions {
  readonly namespace?: string;
  /** `status` or `scale`; '' for the object itself. */
  readonly subresource?: string;
}

export class Client {
  readonly url: string;
  readonly adminToken: string;
  /** With `apiserver.crt`, once the API server has written it. */
  readonly #folder: string;
  readonly #kinds = new Kinds((target, accept) => this.send('GET', target, { accept }));
  #agent: https.Agent | null = null;

  constructor(url: string, adminToken: string, folder: string) {
    this.url = url;
    this.adminToken = adminToken;
    this.#folder = folder;
  }

  /** Server-side apply of YAML or JSON text, one object after the other; rejects with the message of the first refusal. */
  async apply(manifest: string): Promise<void> {
    for (const object of objectsOf(manifest)) {
      const { name, namespace = 'default' } = object.metadata;
      const target = pathOf(await this.#kinds.of(object.apiVersion, object.kind), namespace, name);
      await this.#ask('PATCH', target + APPLY, { body: object, contentType: 'application/apply-patch+yaml' });
    }
  }

  /** An object; `kind` is any name that kubectl takes. Rejects where there is none. */
  async object(kind: string, name: string, namespace = 'default'): Promise<LiveObject> {
    return JSON.parse(await this.#ask('GET', pathOf(await this.#kinds.named(kind), namespace, name))) as LiveObject;
  }

  /** Names of all kinds with listable objects, such as `deployments.apps`. */
  async kinds(): Promise<readonly string[]> {
    const kinds = (await this.#kinds.all()).filter(({ canBeListed }) => canBeListed);
    return [...new Set(kinds.flatMap(({ names }) => names.slice(0, 1)))];
  }

  /** All objects of a kind with the labels of a selector, in a namespace or, for '', in all. */
  async list<T = LiveObject>(kind: string, selector = '', namespace = 'default'): Promise<readonly T[]> {
    const target = pathOf(await this.#kinds.named(kind), namespace);
    const { items } = JSON.parse(await this.#ask('GET', `${target}?labelSelector=${encodeURIComponent(selector)}`)) as {
      readonly items: readonly T[];
    };
    return items;
  }

  /** A merge patch. */
  async patch(kind: string, name: string, patch: object, { namespace = 'default', subresource = '' }: PatchOptions = {}): Promise<void> {
    const target = pathOf(await this.#kinds.named(kind), namespace, name);
    const part = subresource === '' ? target : `${target}/${subresource}`;
    await this.#ask('PATCH', part, { body: patch, contentType: 'application/merge-patch+json' });
  }

  /** Requests the deletion of an object, which may take longer. */
  async delete(kind: string, name: string, namespace = 'default'): Promise<void> {
    await this.#ask('DELETE', pathOf(await this.#kinds.named(kind), namespace, name));
  }

  /** The uid of an object, which another object of the same name does not have; null where there is no object. */
  async uidOf(kind: string, name: string, namespace = 'default'): Promise<string | null> {
    const target = pathOf(await this.#kinds.named(kind), namespace, name);
    const answer = await this.#patiently('GET', target);
    if (answer.status === 404) return null;
    return (JSON.parse(bodyOf('GET', target, answer)) as Manifest).metadata.uid ?? '';
  }

  async exists(kind: string, name: string, namespace = 'default'): Promise<boolean> {
    return (await this.uidOf(kind, name, namespace)) !== null;
  }

  /** One GET to the API server, by default with the administrator's token. */
  get(target: string, token = this.adminToken): Promise<Answer> {
    return this.send('GET', target, { token });
  }

  /** One request to the API server, by default as JSON and with the administrator's token. */
  async send(method: string, target: string, sent: Sent = {}): Promise<Answer> {
    const { token = this.adminToken, body, contentType = 'application/json', accept = 'application/json' } = sent;
    const signal = AbortSignal.timeout(sent.deadlineMs ?? ANSWER_DEADLINE_MS);
    const headers = { authorization: `Bearer ${token}`, 'content-type': contentType, accept };
    const request = https.request(this.url + target, { method, agent: this.#connections(), signal, headers });
    request.end(body === undefined ? '' : JSON.stringify(body));
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    return { status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() };
  }

  /** Closes its connections; the next request opens a new one. */
  protected disconnect(): void {
    this.#agent?.destroy();
    this.#agent = null;
  }

  #connections(): https.Agent {
    this.#agent ??= new https.Agent({ keepAlive: true, ca: readFileSync(path.join(this.#folder, 'apiserver.crt')) });
    return this.#agent;
  }

  /** Resolves to the body; rejects with the message of an answer that is not 2xx. */
  async #ask(method: string, target: string, sent: Sent = {}): Promise<string> {
    return bodyOf(method, target, await this.#patiently(method, target, sent));
  }

  /** Like `send`, repeated while the API server is too busy, as for a kind whose CRD has just changed. */
  async #patiently(method: string, target: string, sent: Sent = {}): Promise<Answer> {
    const started = performance.now();
    for (;;) {
      const answer = await this.send(method, target, sent);
      if (answer.status !== 429 || performance.now() - started > BUSY_DEADLINE_MS) return answer;
      await delay(BUSY_PAUSE_MS);
    }
  }
}

/** The objects of a text; lists are split. */
function objectsOf(manifest: string): Manifest[] {
  const documents = manifest.startsWith('{')
    ? [JSON.parse(manifest) as Manifest]
    : parseAllDocuments(manifest).map((document) => document.toJS() as Manifest | null);
  return documents.flatMap((each) => (each === null ? [] : (each.items ?? [each])));
}

/** The body of an answer; throws with its message if it is not 2xx. */
function bodyOf(method: string, target: string, { status, body }: Answer): string {
  if (status < 200 || status > 299) throw new Error(`${method} ${target}: ${status} ${messageOf(body)}`);
  return body;
}

/** The message of a Status; the whole text of anything else. */
function messageOf(body: string): string {
  try {
    return (JSON.parse(body) as { readonly message?: string }).message ?? body;
  } catch {
    return body;
  }
}
