// Messages for errors of the operating system that a user can fix.
import { types } from 'node:util';

/** The error of a failed system call in Node. */
export interface SystemError extends Error {
  readonly code: string;
  readonly syscall: string;
  readonly path?: string;
  readonly address?: string;
  readonly port?: number;
}

/** Whether a system call failed, for example for a missing file or a port in use. Any other exception is a bug. */
export function isSystemError(error: unknown): error is SystemError {
  if (!types.isNativeError(error)) return false;
  const { code, syscall } = error as Partial<SystemError>;
  return typeof code === 'string' && typeof syscall === 'string';
}

type Words = (subject: string, error: SystemError) => string;

const WORDS: ReadonlyMap<string, Words> = new Map<string, Words>([
  ['EADDRINUSE', (place) => `${place} is in use: another program listens there; stop it, or choose another port`],
  ['EADDRNOTAVAIL', (place) => `${place} is not an address of this machine`],
  ['ENOENT', (file) => `${file} does not exist`],
  ['ENOTDIR', (file) => `${file} is not a folder`],
  ['EISDIR', (file) => `${file} is a folder; a file is needed`],
  [
    'EACCES',
    (subject, error) => `${subject}: no permission${listens(error) ? '; ports below 1024 need root or CAP_NET_BIND_SERVICE' : ''}`,
  ],
  ['EPERM', (subject) => `${subject}: no permission`],
  ['ENOSPC', (subject) => `${subject}: no space is left, or too many files are watched (fs.inotify.max_user_watches)`],
  ['EMFILE', (subject) => `${subject}: too many files are open; raise the limit (ulimit -n)`],
]);

/** One sentence with the file or address and the action to take. `subject`: the file, if the error may not contain it. */
export function describeSystemError(error: SystemError, subject = subjectOf(error)): string {
  const words = WORDS.get(error.code);
  return words === undefined ? error.message : words(subject, error);
}

function subjectOf({ path, address, port, syscall }: SystemError): string {
  if (path !== undefined) return path;
  if (port === undefined) return address ?? syscall;
  const host = address?.includes(':') === true ? `[${address}]` : (address ?? '');
  return host === '' ? `port ${port}` : `${host}:${port}`;
}

function listens({ syscall }: SystemError): boolean {
  return syscall === 'listen' || syscall === 'bind';
}
