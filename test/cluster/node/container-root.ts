// The root of a container: a shell script with new namespaces mounts an overlay over this machine's files, which takes the writes of the
// container and is deleted with it, mounts the Pod's volumes there, and then executes the program.
import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { COMPILE_CACHE } from '../../support/compile-cache.ts';
import type { SecurityContext } from './objects.ts';

/** A file or folder of this machine with its path in the container. */
export interface Mount {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

export interface RootOptions {
  /** An empty folder. Mounts on it are visible in the container only. */
  readonly folder: string;
  readonly hostname: string;
  readonly mounts: readonly Mount[];
  readonly workingDir: string;
  readonly security: SecurityContext;
  /** The container's own; the script needs another until the program starts. */
  readonly searchPath: string;
}

/** Written by the script to file descriptor 3 right before the container's program starts. */
export const STARTED = 'started';

/** The checkout of this machine, which images refer to; it may be at a path where the container has its own files. */
const REPOSITORY = path.resolve(import.meta.dirname, '..', '..', '..');

/** The only folder of this machine that containers write to is the cache of compiled code. */
const OWN_MOUNTS: readonly Mount[] = [
  { source: REPOSITORY, target: REPOSITORY, readOnly: true },
  { source: COMPILE_CACHE, target: COMPILE_CACHE, readOnly: false },
];

/** The defaults of container runtimes. */
const DEFAULT_CAPABILITIES =
  'chown dac_override fowner fsetid kill setgid setuid setpcap net_bind_service net_raw sys_chroot mknod audit_write setfcap'.split(' ');

/** Words that run `words` as process 1 of a container in the network namespace. */
export function containerCommand(network: string, options: RootOptions, words: readonly string[]): string[] {
  const enter = ['nsenter', `--net=/run/netns/${network}`, '--'];
  const unshare = ['unshare', '--mount', '--propagation', 'private', '--uts', '--ipc', '--pid', '--fork', '--kill-child'];
  return [...enter, ...unshare, '--', 'sh', '-c', script(options), 'sh', ...words];
}

/** Words that run `words` beside process `pid` of a container. */
export function execCommand(pid: number, options: RootOptions, words: readonly string[]): string[] {
  const enter = ['nsenter', '--target', String(pid), '--mount', '--uts', '--ipc', '--net', '--pid', '--root'];
  return [...enter, '--', ...programOf(options), ...words];
}

function script(options: RootOptions): string {
  const { folder, hostname, mounts, security } = options;
  const root = path.join(folder, 'root');
  const lines = [
    'set -e',
    "PATH='/usr/sbin:/usr/bin:/sbin:/bin'",
    'umask 022',
    `mount -t tmpfs -o mode=755 scratch ${quoted(folder)}`,
    `mkdir ${quoted(root)} ${quoted(`${folder}/upper`)} ${quoted(`${folder}/work`)}`,
    `mount -t overlay -o ${quoted(`lowerdir=/,upperdir=${folder}/upper,workdir=${folder}/work`)} overlay ${quoted(root)}`,
    `mount -t proc proc ${quoted(`${root}/proc`)}`,
    `mount --rbind /dev ${quoted(`${root}/dev`)}`,
    // Hides files of this machine: its temporary files, and the addresses of its services.
    `mount -t tmpfs -o mode=1777 tmp ${quoted(`${root}/tmp`)}`,
    `mount -t tmpfs -o mode=755 run ${quoted(`${root}/run`)}`,
    `hostname ${quoted(hostname)}`,
    ...[...OWN_MOUNTS, ...mounts].flatMap((mount) => mountLines(root, mount)),
    ...(security.readOnlyRootFilesystem === true ? [root, `${root}/tmp`, `${root}/run`].map(readOnlyLine) : []),
    `echo ${STARTED} >&3`,
    'exec 3>&-',
    `exec chroot ${quoted(root)} ${programOf(options).map(quoted).join(' ')} "$@"`,
  ];
  return lines.join('\n');
}

/** The start of a program in the container: user, folder and search path. */
function programOf({ security, workingDir, searchPath }: RootOptions): string[] {
  const variables = [`PATH=${searchPath}`, `NODE_COMPILE_CACHE=${COMPILE_CACHE}`];
  return ['setpriv', ...identity(security), '--', 'env', '-C', workingDir, ...variables];
}

function identity(security: SecurityContext): string[] {
  const { runAsUser = 0, runAsGroup = 0, capabilities = {}, privileged, allowPrivilegeEscalation } = security;
  const names = (list: readonly string[] = []) => list.map((name) => name.toLowerCase().replace(/^cap_/, ''));
  const dropped = names(capabilities.drop);
  const kept = dropped.includes('all') ? [] : DEFAULT_CAPABILITIES.filter((name) => !dropped.includes(name));
  const bounding = privileged === true ? '+all' : ['-all', ...[...kept, ...names(capabilities.add)].map((name) => `+${name}`)].join(',');
  const who = [`--reuid=${runAsUser}`, `--regid=${runAsGroup}`, '--clear-groups', '--inh-caps=-all', `--bounding-set=${bounding}`];
  return allowPrivilegeEscalation === false ? [...who, '--no-new-privs'] : who;
}

function mountLines(root: string, { source, target, readOnly }: Mount): string[] {
  const inRoot = path.join(root, withoutLinks(target));
  const [at, from] = [quoted(inRoot), quoted(source)];
  const make = `if [ -d ${from} ]; then mkdir -p ${at}; else mkdir -p ${quoted(path.dirname(inRoot))}; touch ${at}; fi`;
  const lines = [make, `mount --bind ${from} ${at}`];
  return readOnly ? [...lines, readOnlyLine(inRoot)] : lines;
}

/** An absolute link such as /var/run would lead out of the new root. Links are those of this machine, so they are resolved here. */
function withoutLinks(target: string): string {
  if (existsSync(target)) return realpathSync(target);
  return path.join(withoutLinks(path.dirname(target)), path.basename(target));
}

function readOnlyLine(target: string): string {
  return `mount -o remount,bind,ro ${quoted(target)}`;
}

/** Quotes a word for the shell. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
