// Child processes of a benchmark: started on one core, their CPU time read from the scheduler, ended with the benchmark.
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, constants, openSync, readdirSync, readFileSync } from 'node:fs';
import net from 'node:net';

const children = new Set<ChildProcess>();
const QUIT_MS = 15_000;

interface PinnedOptions {
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** File descriptor for standard output; null for none. */
  readonly stdout?: number | null;
}

/** Starts a command pinned to a core. It dies with this process. */
export function startPinned(core: number, command: string, args: readonly string[], { env, stdout }: PinnedOptions = {}): ChildProcess {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'taskset', '-c', String(core), command, ...args], {
    stdio: ['ignore', stdout ?? 'ignore', 'pipe'],
    env: { ...process.env, ...env },
  });
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => (stderr = (stderr + chunk.toString()).slice(-4_000)));
  child.on('exit', (code, signal) => {
    children.delete(child);
    if (signal === null && code !== 0) console.error(`${command} ended with ${code}:\n${stderr}`);
  });
  children.add(child);
  return child;
}

/** Creates a pipe at a path and a process on a core that reads it. Returns the file descriptor for writing. */
export function startReader(core: number, fifo: string): number {
  execFileSync('mkfifo', [fifo]);
  // With both ends open, the next open returns at once.
  const held = openSync(fifo, constants.O_RDWR);
  const input = openSync(fifo, constants.O_RDONLY);
  const reader = spawn('setpriv', ['--pdeathsig', 'KILL', 'taskset', '-c', String(core), 'cat'], { stdio: [input, 'ignore', 'ignore'] });
  reader.on('exit', () => children.delete(reader));
  children.add(reader);
  const output = openSync(fifo, constants.O_WRONLY);
  closeSync(input);
  closeSync(held);
  return output;
}

/** Ends a child and waits until it is gone. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  for (const pid of tree(child.pid ?? 0).reverse()) process.kill(pid, 'SIGKILL');
  await gone;
}

/** Sends SIGTERM and waits for the end; sends SIGKILL after a while. */
export async function quit(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const deadline = setTimeout(() => void end(child), QUIT_MS);
  await gone;
  clearTimeout(deadline);
}

/** A process and its descendants. */
export function tree(root: number): number[] {
  const parents = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const parent = parentOf(name);
    parents.set(parent, [...(parents.get(parent) ?? []), Number(name)]);
  }
  const found = [root];
  for (let i = 0; i < found.length; i++) found.push(...(parents.get(found[i] as number) ?? []));
  return found;
}

/** Positions in the result of `statOf`, see proc_pid_stat(5). */
const [PPID, UTIME, STIME] = [1, 11, 12];

function parentOf(pid: string): number {
  return Number(statOf(pid)[PPID] ?? -1);
}

/** The fields of /proc/PID/stat behind the name of the command; none when the process is gone. */
function statOf(pid: number | string): readonly string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}

/** CPU time of a process tree in microseconds, exact to the nanosecond: /proc/PID/stat would count ticks. */
export function cpuMicros(root: number): number {
  let nanos = 0;
  for (const pid of tree(root)) nanos += cpuNanosOf(pid);
  return nanos / 1_000;
}

/** CPU time of a process tree with all threads, in clock ticks: user and system time. */
export interface CpuTicks {
  readonly user: number;
  readonly system: number;
}

/** The two parts of `cpuMicros`, in hundredths of a second: precise enough for shares over a second or more. */
export function cpuTicks(root: number): CpuTicks {
  let [user, system] = [0, 0];
  for (const pid of tree(root)) {
    const fields = statOf(pid);
    user += Number(fields[UTIME] ?? 0);
    system += Number(fields[STIME] ?? 0);
  }
  return { user, system };
}

function cpuNanosOf(pid: number): number {
  let nanos = 0;
  try {
    for (const task of readdirSync(`/proc/${pid}/task`)) {
      nanos += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
    }
  } catch {
    return nanos;
  }
  return nanos;
}

/** Resident memory of a process tree in MiB. */
export function residentMiB(root: number): number {
  let kib = 0;
  for (const pid of tree(root)) {
    try {
      kib += Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
    } catch {
      continue;
    }
  }
  return kib / 1_024;
}

/** A port without a listener. */
export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Resolves once a process accepts connections on the port. */
export async function accepting(port: number, child: ChildProcess, timeout = 30_000): Promise<void> {
  const deadline = performance.now() + timeout;
  while (performance.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`the process for port ${port} ended with ${child.exitCode}`);
    if (await connects(port)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`nothing accepts connections on port ${port}`);
}

function connects(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

process.on('exit', () => {
  for (const child of children) for (const pid of tree(child.pid ?? 0)) kill(pid);
});

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    return;
  }
}
