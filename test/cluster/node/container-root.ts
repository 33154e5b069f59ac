// What stands between a node and a container's program: a shell script that becomes the program. It runs in namespaces of its own, lays
// a root over this machine's files that takes what the container writes and is gone with it, and mounts the Pod's volumes into that.
import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { COMPILE_CACHE } from '../../support/compile-cache.ts';
import type { SecurityContext } from './objects.ts';

/** One file or folder of this machine at a place in the container. */
export interface Mount {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

export interface RootOptions {
  /** An empty folder. What is mounted on it is seen by the container alone. */
  readonly folder: string;
  readonly hostname: string;
  readonly mounts: readonly Mount[];
  readonly workingDir: string;
  readonly security: SecurityContext;
  /** The container's own; the script needs another until the program starts. */
  readonly searchPath: string;
}

/** What the script writes to file descriptor 3 once the container's program takes over. */
export const STARTED = 'started';

/** This machine's checkout, which images point into; it may lie where the container has files of its own. */
const REPOSITORY = path.resolve(import.meta.dirname, '..', '..', '..');

/** The only folder of this machine that containers write to is the cache of compiled code. */
const OWN_MOUNTS: readonly Mount[] = [
  { source: REPOSITORY, target: REPOSITORY, readOnly: true },
  { source: COMPILE_CACHE, target: COMPILE_CACHE, readOnly: false },
];

/** As container runtimes have it. */
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
    // Nothing of this machine's: neither its files nor the addresses of its services.
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

/** What a program of the container is started by: as whom, where, and with which search path. */
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

/** An absolute link such as /var/run would lead out of the new root. Its links are this machine's, so they can be followed here. */
function withoutLinks(target: string): string {
  if (existsSync(target)) return realpathSync(target);
  return path.join(withoutLinks(path.dirname(target)), path.basename(target));
}

function readOnlyLine(target: string): string {
  return `mount -o remount,bind,ro ${quoted(target)}`;
}

/** One word of a shell, whatever is in it. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
