// Proposes changes to the source of objects: a branch with a commit in a git repository, and a pull request.
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { types } from 'node:util';
import { objectId } from '#api/k8s/object.ts';
import type { Log } from '#lib/log.ts';
import { err, ok, type Result } from '#lib/result.ts';
import { isSystemError } from '#lib/system-error.ts';
import { changedMeanwhile, refuse, type AdminProblem } from '../api/problem.ts';
import type { ConfigurationStore, ObjectChange, StoredObject } from '../configuration/configuration-store.ts';
import { hidesData } from '../configuration/hidden-data.ts';
import { ForeignUrl, GitClient, TooLarge } from './git-client.ts';
import type { GitRepository } from './git-repository.ts';
import { apiBase, linkIn, openPullRequest, type Provider } from './pull-request.ts';
import { sourceEdit } from './source-edit.ts';

/** The repository with the sources. */
export interface GitSettings {
  /** https, without credentials. */
  readonly url: string;
  readonly branch: string;
  /** The folder in it; '' is its root. */
  readonly folder: string;
  readonly user: string;
  /** The file with the token; it is read again for each proposal. '' for none. */
  readonly tokenFile: string;
  /** More CAs, PEM; '' for none. */
  readonly caFile: string;
  readonly provider: Provider;
  /** The base of the API of the provider; '' is that at the host of the repository. */
  readonly api: string;
}

/** What a caller proposes. */
export interface Proposal {
  readonly changes: readonly ObjectChange[];
  readonly title: string;
  readonly description: string;
  /** The name of the caller. */
  readonly author: string;
}

/** What became of it. */
export interface Proposed {
  readonly branch: string;
  readonly commit: string;
  readonly files: readonly string[];
  /** Of the pull request, or where the server lets one be made; '' for none. */
  readonly url: string;
  /** Why there is no pull request; '' if there is one. */
  readonly note: string;
}

export class Proposals {
  readonly #settings: GitSettings;
  readonly #store: ConfigurationStore;
  readonly #log: Log;
  /** One after the other: each has the repository in memory. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(settings: GitSettings, store: ConfigurationStore, log: Log) {
    this.#settings = settings;
    this.#store = store;
    this.#log = log;
  }

  propose(proposal: Proposal): Promise<Result<Proposed, AdminProblem>> {
    const result = this.#turn.then(() => this.#guarded(proposal));
    this.#turn = result.catch(() => undefined);
    return result;
  }

  async #guarded(proposal: Proposal): Promise<Result<Proposed, AdminProblem>> {
    const secret = proposal.changes.find(({ ref }) => hidesData(ref));
    if (secret !== undefined)
      return refuse(
        422,
        'secret-not-proposed',
        `${objectId(secret.ref)} is not written to a repository, since its data would be readable there`,
      );
    const { url, caFile } = this.#settings;
    let client: GitClient | null = null;
    try {
      client = await GitClient.open([url, ...(this.#api === '' ? [] : [this.#api])], caFile);
      return await this.#propose(client, proposal);
    } catch (error) {
      const reason = reasonOf(error);
      if (reason === null) throw error;
      this.#log.warn({ reason }, 'a change could not be proposed to the git repository');
      return refuse(502, 'git-failed', `the git repository cannot be used: ${reason}`);
    } finally {
      await client?.close();
    }
  }

  get #api(): string {
    const { api, provider, url } = this.#settings;
    return api === '' ? apiBase(provider, url) : api;
  }

  async #propose(client: GitClient, { changes, title, description, author }: Proposal): Promise<Result<Proposed, AdminProblem>> {
    const { url, branch: target, user, tokenFile } = this.#settings;
    const token = tokenFile === '' ? '' : (await readFile(tokenFile, 'utf8')).trim();
    const headers = token === '' ? {} : { authorization: `Basic ${Buffer.from(`${user}:${token}`).toString('base64')}` };
    // Git is loaded with the first proposal.
    const { GitRepository: Repository } = await import('./git-repository.ts');
    const repository = await Repository.fetch({ client, url, branch: target, headers });
    const texts = await this.#edited(repository, changes);
    if (!texts.ok) return texts;
    if (texts.value.size === 0) return refuse(409, 'source-unchanged', 'the repository has these changes already');
    const branch = branchOf(changes);
    const message = `${title}\n${description === '' ? '' : `\n${description}\n`}`;
    const { commit, said } = await repository.push({ branch, message, author: nameOf(author), texts: texts.value });
    const pull = await this.#pullRequest(client, token, { title, description, branch, target });
    const files = [...texts.value.keys()];
    if (pull.ok) return ok({ branch, commit, files, url: pull.value, note: '' });
    return ok({ branch, commit, files, url: linkIn(said, url), note: pull.error });
  }

  /** The texts of the files that change. */
  async #edited(
    repository: GitRepository,
    changes: readonly ObjectChange[],
  ): Promise<Result<ReadonlyMap<string, string | null>, AdminProblem>> {
    const before = await repository.texts(this.#settings.folder);
    const texts = new Map(before);
    const changed = new Map<string, string | null>();
    for (const change of changes) {
      const live = await this.#live(change);
      if (!live.ok) return live;
      const edit = sourceEdit(texts, this.#settings.folder, change, live.value);
      if (!edit.ok) return edit;
      const { file, text } = edit.value;
      if (text === null) texts.delete(file);
      else texts.set(file, text);
      if (text === (before.get(file) ?? null)) changed.delete(file);
      else changed.set(file, text);
    }
    return ok(changed);
  }

  /** The object in the cluster, if the change is compared with it. */
  async #live(change: ObjectChange): Promise<Result<StoredObject | null, AdminProblem>> {
    const etag = change.operation === 'create' ? null : change.etag;
    if (change.operation !== 'replace' && etag === null) return ok(null);
    const live = await this.#store.get(change.ref);
    if (!live.ok) return live;
    return etag === null || etag === live.value.etag ? live : changedMeanwhile('object', objectId(change.ref), live.value.etag);
  }

  async #pullRequest(client: GitClient, token: string, request: Parameters<typeof openPullRequest>[2]): Promise<Result<string>> {
    const { provider, url: repository } = this.#settings;
    if (provider === 'None') return err('no provider is configured; open the pull request at the link, or at the repository');
    try {
      return await openPullRequest(client, { provider, api: this.#api, repository, token }, request);
    } catch (error) {
      return err(reasonOf(error) ?? 'the provider does not answer as expected');
    }
  }
}

/** In words without headers, URLs and bodies, which may have credentials; null for a bug. */
function reasonOf(error: unknown): string | null {
  if (isSystemError(error)) return error.code ?? 'a system error';
  if (error instanceof TooLarge || error instanceof ForeignUrl) return error.message;
  if (!types.isNativeError(error)) return null;
  const { code, data } = error as Error & { readonly code?: unknown; readonly data?: { readonly statusCode?: unknown } };
  if (code === 'HttpError') return `it answers ${String(data?.statusCode)}`;
  if (typeof code === 'string') return code;
  return error.cause === undefined ? null : reasonOf(error.cause);
}

/** A name that no other proposal has, and that says what it is about. */
function branchOf([first]: readonly ObjectChange[]): string {
  const { kind = 'objects', namespace = '', name = '' } = first?.ref ?? {};
  const about = [kind.toLowerCase(), namespace, name.replaceAll('.', '-')].filter((part) => part !== '').join('-');
  return `weir/${about.slice(0, 100)}-${randomBytes(4).toString('hex')}`;
}

/** A line break would end the line of the author in the commit. */
function nameOf(author: string): string {
  return author.replace(/[<>\x00-\x1f\x7f]+/g, ' ').trim() || 'weir-admin';
}
