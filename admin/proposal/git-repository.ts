// A branch of a git repository, shallow and in memory: read, committed to, pushed.
// isomorphic-git (MIT, since 2017, releases every month): the image has no git and no shell, and it takes our own HTTP and files.
import git from 'isomorphic-git';
import type { TreeEntry } from 'isomorphic-git';
import path from 'node:path/posix';
import { TooLarge, type GitClient } from './git-client.ts';
import { MemoryFiles } from './memory-files.ts';

const DIR = '/repository';
const EXTENSIONS: ReadonlySet<string> = new Set(['.yaml', '.yml', '.json']);
const MAX_FILES = 5_000;
const MAX_FILE_BYTES = 4 * 1_024 * 1_024;
const MAX_BYTES = 32 * 1_024 * 1_024;
const MAX_DEPTH = 32;
const FILE_MODE = '100644';

/** Where the branch is, and as whom to go there. */
export interface GitAccess {
  readonly client: GitClient;
  readonly url: string;
  readonly branch: string;
  /** Sent with each request. */
  readonly headers: Readonly<Record<string, string>>;
}

/** A commit to make. */
export interface NewCommit {
  readonly branch: string;
  readonly message: string;
  readonly author: string;
  /** By path; null for a file to remove. */
  readonly texts: ReadonlyMap<string, string | null>;
}

export class GitRepository {
  readonly #access: GitAccess;
  readonly #fs = new MemoryFiles();
  readonly #cache = {};
  #head = '';

  private constructor(access: GitAccess) {
    this.#access = access;
  }

  /** Fetches the last commit of the branch. */
  static async fetch(access: GitAccess): Promise<GitRepository> {
    const repository = new GitRepository(access);
    const { client, url, branch, headers } = access;
    const shallow = { depth: 1, singleBranch: true, noCheckout: true, noTags: true };
    await git.clone({ ...repository.#place(), http: client, url, ref: branch, headers: { ...headers }, ...shallow });
    repository.#head = await git.resolveRef({ ...repository.#place(), ref: `refs/remotes/origin/${branch}` });
    return repository;
  }

  /** The texts of YAML and JSON files below a folder, by path. Symbolic links and submodules are left out. */
  async texts(folder: string): Promise<ReadonlyMap<string, string>> {
    const { commit } = await git.readCommit({ ...this.#place(), oid: this.#head });
    const texts = new Map<string, string>();
    let bytes = 0;
    for await (const { name, oid } of this.#files(commit.tree, '', folder, 0)) {
      const { blob } = await git.readBlob({ ...this.#place(), oid });
      bytes += blob.length;
      if (texts.size >= MAX_FILES || bytes > MAX_BYTES) throw new TooLarge(`more than ${MAX_FILES} files or ${MAX_BYTES} bytes of YAML`);
      if (blob.length <= MAX_FILE_BYTES) texts.set(name, Buffer.from(blob).toString('utf8'));
    }
    return texts;
  }

  async *#files(
    tree: string,
    below: string,
    folder: string,
    depth: number,
  ): AsyncGenerator<{ readonly name: string; readonly oid: string }> {
    for (const entry of (await git.readTree({ ...this.#place(), oid: tree })).tree) {
      const name = path.join(below, entry.path);
      if (entry.type === 'tree' && depth < MAX_DEPTH && isOnTheWay(name, folder)) yield* this.#files(entry.oid, name, folder, depth + 1);
      else if (isSource(entry) && isIn(name, folder)) yield { name, oid: entry.oid };
    }
  }

  /** Commits on a new branch, and pushes it. Resolves to the id of the commit and what the server says. */
  async push({ branch, message, author, texts }: NewCommit): Promise<{ readonly commit: string; readonly said: string }> {
    const { commit: base } = await git.readCommit({ ...this.#place(), oid: this.#head });
    const tree = await this.#tree(base.tree, texts);
    const ref = `refs/heads/${branch}`;
    const person = { name: author, email: 'weir-admin@weir.invalid' };
    const commit = await git.commit({ ...this.#place(), message, author: person, ref, tree, parent: [this.#head] });
    const { client, url, headers } = this.#access;
    const said: string[] = [];
    const onMessage = (text: string): void => void said.push(text);
    await git.push({ ...this.#place(), http: client, url, ref, remoteRef: ref, headers: { ...headers }, onMessage });
    return { commit, said: said.join('') };
  }

  #place() {
    return { fs: this.#fs, dir: DIR, cache: this.#cache };
  }

  /** The tree with these texts in place of its own. */
  async #tree(oid: string | null, texts: ReadonlyMap<string, string | null>): Promise<string> {
    const before = oid === null ? [] : (await git.readTree({ ...this.#place(), oid })).tree;
    const entries = new Map(before.map((entry) => [entry.path, entry]));
    for (const [name, below] of Map.groupBy(texts, ([full]) => full.split('/', 1)[0] ?? '')) {
      const [[full = '', text = null] = []] = below;
      const old = entries.get(name);
      const entry = full === name ? await this.#file(name, text) : await this.#folder(name, old, below);
      if (entry === null) entries.delete(name);
      else entries.set(name, old?.type === entry.type ? { ...entry, mode: old.mode } : entry);
    }
    return git.writeTree({ ...this.#place(), tree: [...entries.values()] });
  }

  async #file(name: string, text: string | null): Promise<TreeEntry | null> {
    if (text === null) return null;
    const oid = await git.writeBlob({ ...this.#place(), blob: Buffer.from(text) });
    return { mode: FILE_MODE, path: name, oid, type: 'blob' };
  }

  async #folder(
    name: string,
    before: TreeEntry | undefined,
    texts: readonly (readonly [string, string | null])[],
  ): Promise<TreeEntry | null> {
    const below = new Map(texts.map(([full, text]) => [full.slice(name.length + 1), text]));
    const oid = await this.#tree(before?.type === 'tree' ? before.oid : null, below);
    const { tree } = await git.readTree({ ...this.#place(), oid });
    return tree.length === 0 ? null : { mode: '040000', path: name, oid, type: 'tree' };
  }
}

/** A file that may define objects; no symbolic link, whose mode is 120000. */
function isSource({ type, mode, path: name }: TreeEntry): boolean {
  return type === 'blob' && mode.startsWith('100') && EXTENSIONS.has(path.extname(name));
}

function isIn(name: string, folder: string): boolean {
  return folder === '' || name.startsWith(`${folder}/`);
}

/** Whether a folder is in the other one, or leads to it. */
function isOnTheWay(name: string, folder: string): boolean {
  return isIn(`${name}/`, folder) || folder === name || folder.startsWith(`${name}/`);
}
