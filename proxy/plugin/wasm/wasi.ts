// The functions of WASI preview 1 that the runtimes of languages need. There is nothing behind them: no files, arguments, variables of the
// environment or network. Standard output and error are lines of the log.
import { randomFillSync } from 'node:crypto';
import type { GuestMemory } from './guest-memory.ts';
import { ProcessExit } from './exit.ts';
import { StatusError } from './status.ts';

export const WASI_MODULE = 'wasi_snapshot_preview1';

const ERRNO = { success: 0, badf: 8, fault: 21, inval: 28, nosys: 52, notsup: 58 } as const;
/** Of one write, and of random bytes. */
const MAX_WRITE = 65_536;
const MAX_VECTORS = 1_024;
const EVENT_SIZE = 32;
const SUBSCRIPTION_SIZE = 48;
const MAX_SUBSCRIPTIONS = 64;
const CLOCK_SUBSCRIPTION = 0;
const CHARACTER_DEVICE = 2;

/** All functions of preview 1 besides those below: a module may import them, and gets `nosys`. */
const ABSENT = [
  ...[
    'fd_advise',
    'fd_allocate',
    'fd_datasync',
    'fd_fdstat_set_rights',
    'fd_filestat_get',
    'fd_filestat_set_size',
    'fd_filestat_set_times',
  ],
  ...['fd_pread', 'fd_pwrite', 'fd_readdir', 'fd_renumber', 'fd_sync', 'fd_tell', 'path_create_directory', 'path_filestat_get'],
  ...['path_filestat_set_times', 'path_link', 'path_open', 'path_readlink', 'path_remove_directory', 'path_rename', 'path_symlink'],
  ...['path_unlink_file', 'proc_raise', 'sock_accept', 'sock_recv', 'sock_send', 'sock_shutdown'],
];
/** Of descriptors that are not open. */
const CLOSED = ['fd_close', 'fd_read', 'fd_seek', 'fd_prestat_get', 'fd_prestat_dir_name'];

type HostFunction = (...values: never[]) => number;

/** Writes a line that a module printed. `isError`: to its standard error. */
type Print = (text: string, isError: boolean) => void;

export function wasiFunctions(memory: GuestMemory, print: Print): Readonly<Record<string, HostFunction>> {
  const functions: Readonly<Record<string, HostFunction>> = {
    ...Object.fromEntries(ABSENT.map((name) => [name, () => ERRNO.nosys])),
    ...Object.fromEntries(CLOSED.map((name) => [name, () => ERRNO.badf])),
    args_sizes_get: (count: number, size: number) => twoZeros(memory, count, size),
    args_get: () => ERRNO.success,
    environ_sizes_get: (count: number, size: number) => twoZeros(memory, count, size),
    environ_get: () => ERRNO.success,
    clock_res_get: (_clock: number, at: number) => {
      memory.writeU64(at, 1_000n);
      return ERRNO.success;
    },
    clock_time_get: (clock: number, _precision: bigint, at: number) => {
      if (clock !== 0 && clock !== 1) return ERRNO.notsup;
      memory.writeU64(at, clock === 0 ? wallClock() : process.hrtime.bigint());
      return ERRNO.success;
    },
    random_get: (at: number, size: number) => {
      if (size >>> 0 > MAX_WRITE) return ERRNO.inval;
      randomFillSync(memory.view(at, size));
      return ERRNO.success;
    },
    sched_yield: () => ERRNO.success,
    proc_exit: (code: number) => {
      throw new ProcessExit(code);
    },
    fd_fdstat_get: (descriptor: number, at: number) => descriptorState(memory, descriptor, at),
    fd_fdstat_set_flags: (descriptor: number) => (isOpen(descriptor) ? ERRNO.success : ERRNO.badf),
    fd_write: (descriptor: number, vectors: number, count: number, writtenAt: number) =>
      write(memory, print, descriptor, [vectors, count, writtenAt]),
    poll_oneoff: (subscriptions: number, events: number, count: number, countAt: number) =>
      poll(memory, subscriptions, events, [count, countAt]),
  };
  return Object.fromEntries(Object.entries(functions).map(([name, implementation]) => [name, guarded(implementation)]));
}

/** A pointer out of bounds is the fault of the module. */
function guarded(implementation: HostFunction): HostFunction {
  return (...values) => {
    try {
      return implementation(...values);
    } catch (error) {
      if (error instanceof StatusError) return ERRNO.fault;
      throw error;
    }
  };
}

/** Nanoseconds since the epoch. */
export function wallClock(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}

function twoZeros(memory: GuestMemory, count: number, size: number): number {
  memory.writeU32(count, 0);
  memory.writeU32(size, 0);
  return ERRNO.success;
}

function isOpen(descriptor: number): boolean {
  return descriptor >= 0 && descriptor <= 2;
}

function descriptorState(memory: GuestMemory, descriptor: number, at: number): number {
  if (!isOpen(descriptor)) return ERRNO.badf;
  memory.view(at, 24).fill(0)[0] = CHARACTER_DEVICE;
  return ERRNO.success;
}

type WriteArguments = readonly [vectors: number, count: number, writtenAt: number];

function write(memory: GuestMemory, print: Print, descriptor: number, [vectors, count, writtenAt]: WriteArguments): number {
  if (descriptor !== 1 && descriptor !== 2) return ERRNO.badf;
  if (count >>> 0 > MAX_VECTORS) return ERRNO.inval;
  memory.view(writtenAt, 4);
  let written = 0;
  const pieces: Buffer[] = [];
  for (let i = 0; i < count >>> 0; i++) {
    const piece = memory.view(memory.readU32(vectors + 8 * i), memory.readU32(vectors + 8 * i + 4));
    pieces.push(Buffer.from(piece.subarray(0, Math.max(0, MAX_WRITE - written))));
    written += piece.length;
  }
  print(Buffer.concat(pieces).toString(), descriptor === 2);
  memory.writeU32(writtenAt, written);
  return ERRNO.success;
}

/** Clocks are ready at once: a module that sleeps asks again until its time has passed, or that of its call. */
function poll(
  memory: GuestMemory,
  subscriptions: number,
  events: number,
  [count, countAt]: readonly [count: number, countAt: number],
): number {
  if (count <= 0 || count > MAX_SUBSCRIPTIONS) return ERRNO.inval;
  const asked = Buffer.from(memory.view(subscriptions, count * SUBSCRIPTION_SIZE));
  const told = memory.view(events, count * EVENT_SIZE).fill(0);
  for (let i = 0; i < count; i++) {
    const [from, to, type] = [i * SUBSCRIPTION_SIZE, i * EVENT_SIZE, asked[i * SUBSCRIPTION_SIZE + 8] as number];
    told.set(asked.subarray(from, from + 8), to);
    told.writeUInt16LE(type === CLOCK_SUBSCRIPTION ? ERRNO.success : ERRNO.notsup, to + 8);
    told[to + 10] = type;
  }
  memory.writeU32(countAt, count);
  return ERRNO.success;
}
