// The output streams of a container as named pipes. Programs may open /dev/stdout again, which fails for the sockets that Node creates.
import { once } from 'node:events';
import { closeSync, constants, mkdirSync, openSync, rmSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { run } from './command.ts';
import { LogWriter } from './log-file.ts';

const STREAMS = ['stdout', 'stderr'] as const;

export class Output {
  /** File descriptors for the container, for stdout and stderr. */
  readonly writers: readonly number[];
  /** Resolves when all writers have closed and the log is complete. */
  readonly ended: Promise<void>;

  private constructor(pipes: readonly string[], log: LogWriter) {
    const readers = pipes.map((pipe) => openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK));
    this.writers = pipes.map((pipe) => openSync(pipe, constants.O_WRONLY));
    const sockets = readers.map((fd, index) => {
      const socket = new net.Socket({ fd, readable: true, writable: false });
      return socket.on('data', (chunk: Buffer) => log.write(STREAMS[index] ?? 'stdout', chunk));
    });
    this.ended = Promise.all(sockets.map((socket) => once(socket, 'close'))).then(() => log.close());
  }

  /** Creates the pipes in the folder, and copies their data to the log. */
  static async open(folder: string, logFile: string): Promise<Output> {
    mkdirSync(folder, { recursive: true });
    mkdirSync(path.dirname(logFile), { recursive: true });
    const pipes = STREAMS.map((stream) => path.join(folder, stream));
    for (const pipe of pipes) rmSync(pipe, { force: true });
    await run('mkfifo', ['-m', '666', ...pipes]);
    return new Output(pipes, new LogWriter(logFile));
  }

  /** The container has opened them. */
  handOver(): void {
    for (const writer of this.writers) closeSync(writer);
  }
}
