// Consumers in a folder of YAML. Only the edited documents change; comments and other documents stay as they are.
import { existsSync } from 'node:fs';
import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseDocument, stringify, type Document } from 'yaml';
import type { Consumer } from '#api/k8s/k8s.ts';
import { validateObject } from '#api/k8s/validate.ts';
import { describeError } from '#api/k8s/field-error.ts';
import { UsageError } from '../command.ts';
import { secretObject, type ConsumerChange, type Edit, type KeySecret } from './edit.ts';
import type { ConsumerStore } from './store.ts';

/** A YAML file as the texts of its documents. */
interface YamlFile {
  readonly file: string;
  readonly documents: readonly string[];
}

/** A document of a file. */
interface Place {
  readonly file: YamlFile;
  readonly index: number;
  readonly document: Document;
}

export class FolderStore implements ConsumerStore {
  readonly namespace: string;
  readonly #folder: string;

  constructor(folder: string, namespace: string) {
    if (!existsSync(folder)) throw new UsageError(`--folder: ${folder} does not exist`);
    this.#folder = folder;
    this.namespace = namespace === '' ? 'default' : namespace;
  }

  async list(): Promise<readonly Consumer[]> {
    const places = await this.#places((object) => this.#isOwn(object, 'Consumer'));
    return places.map(({ file, document }) => {
      const valid = validateObject(document.toJS(), { strict: true });
      if (!valid.ok) throw new UsageError(`${file.file}: ${valid.error.map(describeError).join('; ')}`);
      return valid.value as Consumer;
    });
  }

  async get(name: string): Promise<Consumer | undefined> {
    return (await this.list()).find(({ metadata }) => metadata.name === name);
  }

  async create(consumer: Consumer, secret: KeySecret): Promise<void> {
    const file = path.join(this.#folder, `consumer-${consumer.metadata.name}.yaml`);
    if (existsSync(file)) throw new UsageError(`${file} exists; move it away, or choose another name`);
    await write({ file, documents: [textOf(secretObject(this.namespace, secret)), textOf(consumer)] });
  }

  async change({ metadata }: Consumer, { edits, added, removed }: ConsumerChange): Promise<void> {
    const [place] = await this.#places((object) => this.#isOwn(object, 'Consumer') && nameOf(object) === metadata.name);
    if (place === undefined) throw new UsageError(`Consumer/${this.namespace}/${metadata.name} is gone`);
    for (const edit of edits) apply(place.document, edit);
    const documents = place.file.documents.with(place.index, place.document.toString({ lineWidth: 0 }));
    await write({ ...place.file, documents: [...added.map((secret) => textOf(secretObject(this.namespace, secret))), ...documents] });
    for (const secret of removed) await this.#removeSecret(secret);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #removeSecret(name: string): Promise<void> {
    const [place] = await this.#places((object) => this.#isOwn(object, 'Secret') && nameOf(object) === name);
    if (place === undefined) return;
    await write({ ...place.file, documents: place.file.documents.toSpliced(place.index, 1) });
  }

  #isOwn(object: unknown, kind: string): boolean {
    const { kind: own, metadata } = object as { readonly kind?: unknown; readonly metadata?: { readonly namespace?: unknown } };
    return own === kind && (metadata?.namespace ?? 'default') === this.namespace;
  }

  async #places(accepts: (object: object) => boolean): Promise<readonly Place[]> {
    const names = (await readdir(this.#folder, { recursive: true })).filter((name) => /\.ya?ml$/.test(name)).sort();
    const files = await Promise.all(names.map((name) => read(path.join(this.#folder, name))));
    return files.flatMap((file) =>
      file.documents.flatMap((text, index) => {
        const document = parseDocument(text);
        const object: unknown = document.errors.length > 0 ? null : document.toJS();
        return typeof object === 'object' && object !== null && accepts(object) ? [{ file, index, document }] : [];
      }),
    );
  }
}

function nameOf(object: object): unknown {
  return (object as { readonly metadata?: { readonly name?: unknown } }).metadata?.name;
}

/** A line with `---` ends a document wherever it stands. */
async function read(file: string): Promise<YamlFile> {
  return { file, documents: (await readFile(file, 'utf8')).split(/^---(?:[ \t].*)?\r?\n/m) };
}

/** Replaces the file as a whole: `weir up` sees the old or the new one. */
async function write({ file, documents }: YamlFile): Promise<void> {
  const texts = documents.map((text) => (text === '' || text.endsWith('\n') ? text : `${text}\n`));
  await writeFile(`${file}.new`, texts.join('---\n'), { mode: 0o600 });
  await rename(`${file}.new`, file);
}

function textOf(object: object): string {
  return stringify(object, { lineWidth: 0 });
}

function apply(document: Document, edit: Edit): void {
  if (edit.type === 'remove') document.deleteIn(edit.path);
  else if (edit.type === 'set') document.setIn(edit.path, edit.value);
  else if (document.hasIn(edit.path)) document.addIn(edit.path, document.createNode(edit.value));
  else document.setIn(edit.path, document.createNode([edit.value]));
}
