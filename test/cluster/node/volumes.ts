// The volumes of a Pod as folders of this machine: created before its containers start, updated while it runs.
import { chmodSync, chownSync, existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { err, ok } from '#lib/result.ts';
import type { Result } from '#lib/result.ts';
import type { Configuration, Values } from './configuration.ts';
import { fieldOf, resourceOf } from './fields.ts';
import type { PlacedPod } from './fields.ts';
import type { DownwardSource, KeySource, Projection, Volume } from './objects.ts';
import { writePayload } from './payload.ts';
import type { Owner, Payload, PayloadFile } from './payload.ts';
import type { TokenFile } from './token.ts';

const DEFAULT_MODE = 0o644;

/** The sources of volumes. */
export interface VolumeSources {
  readonly placed: PlacedPod;
  readonly configuration: Configuration;
  /** The current token of a projection. */
  token(source: TokenFile): Promise<Buffer>;
}

export class Volumes {
  readonly #folder: string;
  readonly #owner: Owner;
  /** The last content of each volume, to skip unchanged ones. */
  readonly #written = new Map<string, string>();

  constructor(folder: string, owner: Owner) {
    this.#folder = folder;
    this.#owner = owner;
  }

  folderOf(volume: string): string {
    return path.join(this.#folder, volume);
  }

  /** Updates every volume from its sources. An error names the missing source; the other volumes are updated anyway. */
  async write(sources: VolumeSources): Promise<Result<null>> {
    let missing: Result<null> = ok(null);
    for (const volume of sources.placed.pod.spec.volumes ?? []) {
      const result = await this.#writeOne(volume, sources);
      if (!result.ok) missing = result;
    }
    return missing;
  }

  async #writeOne(volume: Volume, sources: VolumeSources): Promise<Result<null>> {
    const folder = this.folderOf(volume.name);
    if (volume.emptyDir !== undefined) return ok(this.#makeEmpty(folder));
    const payload = await payloadOf(volume, sources);
    if (!payload.ok) return payload;
    const print = JSON.stringify([...payload.value].map(([name, { content, mode }]) => [name, content.toString('base64'), mode]));
    if (this.#written.get(volume.name) === print) return ok(null);
    mkdirSync(folder, { recursive: true });
    writePayload(folder, payload.value, this.#owner);
    this.#written.set(volume.name, print);
    return ok(null);
  }

  #makeEmpty(folder: string): null {
    if (existsSync(folder)) return null;
    mkdirSync(folder, { recursive: true });
    // Independent of the umask: any user of the Pod may write there.
    chmodSync(folder, 0o777);
    if (this.#owner.group !== null) chownSync(folder, 0, this.#owner.group);
    return null;
  }
}

/** The content of a volume: the output of its sources in order. */
async function payloadOf(volume: Volume, sources: VolumeSources): Promise<Result<Payload>> {
  const mode = defaultModeOf(volume);
  const files = new Map<string, PayloadFile>();
  for (const source of volume.projected?.sources ?? [projectionIn(volume)]) {
    const part = await projectionOf(source, mode, sources);
    if (!part.ok) return part;
    for (const [name, file] of part.value) files.set(name, file);
  }
  return ok(files);
}

function defaultModeOf({ configMap, secret, downwardAPI, projected }: Volume): number {
  return (configMap ?? secret ?? downwardAPI ?? projected)?.defaultMode ?? DEFAULT_MODE;
}

/** A volume of one source; the name of a Secret is in another field there. */
function projectionIn({ configMap, secret, downwardAPI }: Volume): Projection {
  if (configMap !== undefined) return { configMap };
  if (secret !== undefined) return { secret: { ...secret, name: secret.secretName ?? '' } };
  return downwardAPI === undefined ? {} : { downwardAPI };
}

async function projectionOf(projection: Projection, mode: number, sources: VolumeSources): Promise<Result<Payload>> {
  const { configuration, placed } = sources;
  const namespace = placed.pod.metadata.namespace ?? '';
  const { configMap, secret, downwardAPI, serviceAccountToken } = projection;
  if (configMap !== undefined) return keysOf('configmap', configMap, configuration.configMap(namespace, configMap.name ?? ''), mode);
  if (secret !== undefined) return keysOf('secret', secret, configuration.secret(namespace, secret.name ?? ''), mode);
  if (downwardAPI !== undefined) return fieldsOf(downwardAPI, placed, mode);
  if (serviceAccountToken === undefined) return err(`this cluster does not know volumes of ${Object.keys(projection).join()}`);
  return ok(new Map([[serviceAccountToken.path, { content: await sources.token(serviceAccountToken), mode }]]));
}

function keysOf(what: string, source: KeySource, values: Values | null, mode: number): Result<Payload> {
  if (values === null) return source.optional === true ? ok(new Map()) : err(`${what} "${source.name}" not found`);
  if (source.items === undefined) return ok(new Map([...values].map(([key, content]) => [key, { content, mode }])));
  const files = new Map<string, PayloadFile>();
  for (const item of source.items) {
    const content = values.get(item.key);
    if (content !== undefined) files.set(item.path, { content, mode: item.mode ?? mode });
    else if (source.optional !== true) return err(`${what} "${source.name}" has no key ${item.key}`);
  }
  return ok(files);
}

function fieldsOf({ items = [] }: DownwardSource, placed: PlacedPod, mode: number): Result<Payload> {
  const files = new Map<string, PayloadFile>();
  for (const item of items) {
    const { fieldRef, resourceFieldRef } = item;
    const text = fieldRef === undefined ? resourceFieldRef && resourceOf(placed.pod, null, resourceFieldRef) : fieldOf(placed, fieldRef);
    if (text === null || text === undefined) return err(`this cluster cannot tell the field of ${item.path}`);
    files.set(item.path, { content: Buffer.from(text), mode: item.mode ?? mode });
  }
  return ok(files);
}
