// The interop client and server of grpc-go, the reference tests for gRPC implementations
// (https://github.com/grpc/grpc/blob/master/doc/interop-test-descriptions.md): built from their Go module once per version.
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import path from 'node:path';
import { freePorts } from '../support/free-port.ts';
import { moduleTool } from '../support/go-tool.ts';

export const INTEROP = moduleTool(
  'grpc-interop',
  '1.83.2',
  ['client', 'server'].map((program) => `google.golang.org/grpc/interop/${program}`),
);
const CASE_MS = 30_000;
/** Maximum length of the output of a failed case. */
const MAX_REPORT = 500;

/**
 * Every test case of the client that needs no credentials of a cloud, but for those that grpc-go's server does not pass without a proxy
 * either: it has no name to give (pick_first_unary) and reports no load in trailers (orca_per_rpc, orca_oob).
 */
export const CASES: readonly string[] = [
  'empty_unary',
  'large_unary',
  'client_streaming',
  'server_streaming',
  'ping_pong',
  'empty_stream',
  'timeout_on_sleeping_server',
  'cancel_after_begin',
  'cancel_after_first_response',
  'status_code_and_message',
  'special_status_message',
  'custom_metadata',
  'unimplemented_method',
  'unimplemented_service',
  'rpc_soak',
  'channel_soak',
];

/** A running interop server, without TLS. */
export class InteropServer {
  readonly port: number;
  readonly #process: ChildProcess;

  private constructor(port: number, process: ChildProcess) {
    this.port = port;
    this.#process = process;
  }

  static async start(): Promise<InteropServer> {
    const [port = 0] = await freePorts(1);
    const command = ['--pdeathsig', 'KILL', path.join(INTEROP.folder, 'server'), '--port', String(port)];
    const server = new InteropServer(port, spawn('setpriv', command, { stdio: 'ignore' }));
    await server.#listens();
    return server;
  }

  async #listens(): Promise<void> {
    const deadline = performance.now() + 10_000;
    while (performance.now() < deadline) {
      const socket = net.connect(this.port, '127.0.0.1');
      const connected = await Promise.race([once(socket, 'connect').then(() => true), once(socket, 'close').then(() => false)]).catch(
        () => false,
      );
      socket.destroy();
      if (connected) return;
    }
    throw new Error('the interop server does not listen');
  }

  async stop(): Promise<void> {
    this.#process.kill('SIGKILL');
    if (this.#process.exitCode === null && this.#process.signalCode === null) await once(this.#process, 'close');
  }
}

/** Runs one test case against a port; resolves to '' or the output of the client. `ca`: use TLS and trust this file. */
export function runCase(name: string, port: number, ca: string | null): Promise<string> {
  const tls = ca === null ? [] : ['--use_tls', '--use_test_ca', '--ca_file', ca, '--server_host_override', 'interop.example.com'];
  const soak = [
    '--soak_iterations',
    '20',
    '--soak_per_iteration_max_acceptable_latency_ms',
    '5000',
    '--soak_overall_timeout_seconds',
    '25',
  ];
  const args = ['--server_host', '127.0.0.1', '--server_port', String(port), '--test_case', name, ...soak, ...tls];
  return new Promise((resolve) => {
    execFile(path.join(INTEROP.folder, 'client'), args, { timeout: CASE_MS }, (error, stdout, stderr) => {
      resolve(error === null ? '' : `${error.killed === true ? 'took too long' : ''}${stdout}${stderr}`.slice(-MAX_REPORT) || 'failed');
    });
  });
}
