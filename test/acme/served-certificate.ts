// The certificate that a proxy serves for a host.
import type { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import tls from 'node:tls';

/** Null if it serves none. */
export async function servedCertificate(address: string, port: number, servername: string): Promise<X509Certificate | null> {
  const socket = tls.connect({ host: address, port, servername, rejectUnauthorized: false });
  try {
    await once(socket, 'secureConnect');
    return socket.getPeerX509Certificate() ?? null;
  } catch {
    return null;
  } finally {
    socket.destroy();
  }
}
