// The files of one volume, replaced atomically: each version is a separate folder, `..data` links to the current one, and every file is a
// link through it. A kubelet does the same, so that a reader never sees an incomplete change.
import { chownSync, existsSync, mkdirSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export interface PayloadFile {
  readonly content: Buffer;
  readonly mode: number;
}

/** By path within the volume. */
export type Payload = ReadonlyMap<string, PayloadFile>;

/** Owner of the files; null means root. */
export interface Owner {
  readonly user: number | null;
  readonly group: number | null;
}

const CURRENT = '..data';

/** Replaces the files of the volume by the payload. */
export function writePayload(folder: string, payload: Payload, owner: Owner): void {
  const version = `..${new Date().toISOString().replace(/[-:.]/g, '_')}_${process.hrtime.bigint()}`;
  mkdirSync(path.join(folder, version), { recursive: true });
  for (const [name, file] of payload) writeFile(path.join(folder, version, name), file, owner);
  const before = existsSync(path.join(folder, CURRENT)) ? readlinkSync(path.join(folder, CURRENT)) : null;
  symlinkSync(version, path.join(folder, `${CURRENT}_tmp`));
  renameSync(path.join(folder, `${CURRENT}_tmp`), path.join(folder, CURRENT));
  linkEntries(folder, new Set([...payload.keys()].map((name) => name.split('/')[0] ?? '')));
  if (before !== null) rmSync(path.join(folder, before), { recursive: true });
}

function writeFile(file: string, { content, mode }: PayloadFile, { user, group }: Owner): void {
  mkdirSync(path.dirname(file), { recursive: true });
  // The group of a Pod may read the files of its owner.
  const shared = group === null ? mode : mode | ((mode & 0o600) >> 3);
  writeFileSync(file, content, { mode: shared });
  if (user !== null || group !== null) chownSync(file, user ?? 0, group ?? 0);
}

function linkEntries(folder: string, wanted: ReadonlySet<string>): void {
  const present = new Set(readdirSync(folder).filter((name) => !name.startsWith('..')));
  for (const name of wanted) if (!present.has(name)) symlinkSync(path.join(CURRENT, name), path.join(folder, name));
  for (const name of present) if (!wanted.has(name)) rmSync(path.join(folder, name));
}
