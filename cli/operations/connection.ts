// The way to the operations of a controller or of `weir up`: an address, or a pod behind the API server of a cluster.
import net from 'node:net';
import { readFileSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import type { Flags, FlagValues } from '#lib/flags.ts';
import { UsageError } from '../command.ts';

/** The flags of every command that talks to a controller. */
export const CONNECTION_FLAGS: Flags = {
  controller: {
    default: '127.0.0.1:9081',
    value: 'HOST:PORT',
    text: '--admin-address of a controller, its forwarded port, or 127.0.0.1 with the --admin-port of weir up',
  },
  'admin-token-file': { default: '', value: 'FILE', text: 'file with the bearer token, if the controller has --admin-token-file' },
  namespace: {
    default: '',
    value: 'NAME',
    text: 'instead of --controller: reach a controller in this namespace through the API server, as kubectl port-forward does',
  },
  kubeconfig: { default: '', value: 'FILE', text: 'kubeconfig of that cluster; by default KUBECONFIG or ~/.kube/config' },
};

/** A way to a server of operations. */
export interface Connection {
  /** The server in messages. */
  readonly name: string;
  /** The Host header. */
  readonly host: string;
  /** '' without a token. */
  readonly token: string;
  /** Opens a stream of bytes to the server. */
  readonly open: () => Promise<Duplex>;
}

/** The way that the flags choose. Throws a UsageError if there is none. */
export async function connectionOf(values: FlagValues): Promise<Connection> {
  const token = tokenIn(values.text('admin-token-file'));
  const namespace = values.text('namespace');
  if (namespace === '') return direct(values, token);
  // The client of Kubernetes is large.
  const { forwarded } = await import('./port-forward.ts');
  return forwarded({ namespace, kubeconfig: values.text('kubeconfig'), token });
}

function direct(values: FlagValues, token: string): Connection {
  const { host, port } = values.bindAddress('controller');
  const name = values.text('controller');
  const open = (): Promise<Duplex> =>
    new Promise((resolve, reject) => {
      const socket = net.connect({ host, port }, () => resolve(socket));
      socket.once('error', (error: NodeJS.ErrnoException) => reject(new UsageError(`${name}: ${remedyFor(error)}`)));
    });
  return { name, host: name, token, open };
}

function remedyFor({ code, message }: NodeJS.ErrnoException): string {
  if (code !== 'ECONNREFUSED') return message;
  return (
    'no controller listens there; give --namespace to reach one in a cluster, or --controller HOST:PORT; ' +
    'weir up listens only with --admin-port'
  );
}

function tokenIn(file: string): string {
  return file === '' ? '' : readFileSync(file, 'utf8').trim();
}
