// Writes files of a folder: whole or not at all, never outside of it, never over a change of another program.
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, link, open, readFile, realpath, rename, stat, unlink } from 'node:fs/promises';
import path from 'node:path';
import { contentHash } from '#lib/hash.ts';
import { objectId, type ObjectRef } from '#api/k8s/object.ts';
import { describeSystemError, isSystemError } from '#lib/system-error.ts';
import { ok, type Result } from '#lib/result.ts';
import { refuse, type AdminProblem } from '../api/problem.ts';

/** The permissions of new files: of Secrets, and of all others. */
const SECRET_MODE = 0o600;
const MODE = 0o644;
/** Names of files have at most 255 bytes. */
const MAX_NAME = 200;

/** A file that may be edited. */
export interface EditableFile {
  /** Without symbolic links. */
  readonly path: string;
  readonly bytes: Buffer;
}

/**
 * The file name of a new object. Kinds and namespaces have no dot, so that no two objects have the same name; long ones end with a hash.
 */
export function fileNameOf(ref: ObjectRef): string {
  const name = [ref.kind.toLowerCase(), ref.namespace, ref.name].filter((part) => part !== '').join('.');
  return name.length <= MAX_NAME ? `${name}.yaml` : `${name.slice(0, MAX_NAME)}-${contentHash(objectId(ref))}.yaml`;
}

/** Reads a file for an edit; refuses one that a symbolic link leads to outside of the folder. */
export async function readEditable(folder: string, file: string): Promise<Result<EditableFile, AdminProblem>> {
  try {
    const [root, real] = [await realpath(folder), await realpath(file)];
    if (!isBelow(root, real)) return outside(folder, file);
    return ok({ path: real, bytes: await readFile(real) });
  } catch (error) {
    return unwritable(folder, file, error);
  }
}

function isBelow(root: string, file: string): boolean {
  return file.startsWith(root + path.sep);
}

function outside(folder: string, file: string): Result<never, AdminProblem> {
  const detail = `${path.relative(folder, file)} is a symbolic link to a file outside of the folder; change that file where it is`;
  return refuse(409, 'file-outside', detail);
}

/** Replaces the content of a file, unless another program has changed it since `readEditable`. Its mode stays. */
export async function replaceFile(folder: string, { path: file, bytes }: EditableFile, text: string): Promise<Result<void, AdminProblem>> {
  return guarded(folder, file, async () => {
    const { mode } = await stat(file);
    const temporary = await writeTemporary(path.dirname(file), text, mode & 0o7777);
    try {
      if (!(await readFile(file)).equals(bytes)) return changedMeanwhile(folder, file);
      await rename(temporary, file);
    } finally {
      await unlink(temporary).catch(() => undefined);
    }
    await syncFolder(path.dirname(file));
    return ok(undefined);
  });
}

/** Removes a file, unless another program has changed it since `readEditable`. */
export async function removeFile(folder: string, { path: file, bytes }: EditableFile): Promise<Result<void, AdminProblem>> {
  return guarded(folder, file, async () => {
    if (!(await readFile(file)).equals(bytes)) return changedMeanwhile(folder, file);
    await unlink(file);
    await syncFolder(path.dirname(file));
    return ok(undefined);
  });
}

/** Makes the file of a new object, in the folder itself. Never replaces a file. */
export async function createFile(folder: string, ref: ObjectRef, text: string): Promise<Result<void, AdminProblem>> {
  const file = path.join(folder, fileNameOf(ref));
  return guarded(folder, file, async () => {
    const root = await realpath(folder);
    const temporary = await writeTemporary(root, text, ref.kind === 'Secret' ? SECRET_MODE : MODE);
    try {
      // A link fails if the name exists, even as a symbolic link.
      await link(temporary, path.join(root, fileNameOf(ref)));
    } finally {
      await unlink(temporary).catch(() => undefined);
    }
    await syncFolder(root);
    return ok(undefined);
  });
}

/** A complete file beside the one to replace. Sources skip names that begin with a dot. */
async function writeTemporary(folder: string, text: string, mode: number): Promise<string> {
  const temporary = path.join(folder, `.weir-${randomBytes(9).toString('hex')}.tmp`);
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const handle = await open(temporary, flags, 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  } finally {
    await handle.close();
  }
  await chmod(temporary, mode);
  return temporary;
}

/** A rename is on disk once its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function changedMeanwhile(folder: string, file: string): Result<never, AdminProblem> {
  return refuse(409, 'file-changed', `another program has just changed ${path.relative(folder, file)}; read the object again`);
}

async function guarded(
  folder: string,
  file: string,
  write: () => Promise<Result<void, AdminProblem>>,
): Promise<Result<void, AdminProblem>> {
  try {
    return await write();
  } catch (error) {
    return unwritable(folder, file, error);
  }
}

function unwritable(folder: string, file: string, error: unknown): Result<never, AdminProblem> {
  if (!isSystemError(error)) throw error;
  const name = path.relative(folder, file);
  if (error.code === 'EEXIST') return refuse(409, 'file-exists', `${name} exists, and does not define the object; move it away`);
  return refuse(503, 'folder-unwritable', `${name} cannot be written: ${describeSystemError(error, name)}`);
}
