// TLS settings of a ClientTrafficPolicy: defaults for the listeners of its Gateway.
import { expect, test } from '@jest/globals';
import { once } from 'node:events';
import tls from 'node:tls';
import type * as ir from '#api/ir/ir.ts';
import { certified } from '../support/certified.ts';
import { closeAfterEach, closeLater, openProxy, openUpstream } from '../support/fixture.ts';
import { cluster, listener, route } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';

closeAfterEach();

const certificate = certified('DNS:a.test,DNS:b.test');

function policy(settings: Record<string, unknown>, section = ''): ir.Policy {
  return {
    ...{ kind: 'Policy', key: `ClientTrafficPolicy/default/p${section}`, policyKind: 'ClientTrafficPolicy', namespace: 'default' },
    ...{ name: `p${section}`, createdAt: 0, targets: [{ kind: 'Gateway', namespace: 'default', name: 'gateway', section }], settings },
  };
}

function https(name: string, settings?: ir.TlsSettings): ir.Listener {
  const own = settings === undefined ? {} : { settings };
  const terminate: ir.ListenerTls = { mode: 'Terminate', certificates: ['default/cert'], ...own };
  return listener({ key: `default/gateway/${name}`, hostname: `${name}.test`, protocol: 'HTTPS', tls: terminate });
}

async function open(policies: readonly ir.Policy[], ...listeners: ir.Listener[]): Promise<Proxy> {
  const upstream = await openUpstream();
  return openProxy([...policies, certificate.secret, ...listeners, ...cluster('app', [upstream.port]), route()]);
}

/** The version and protocol that a client with these options agrees on, or 'refused'. */
async function agreed(proxy: Proxy, name: string, options: tls.ConnectionOptions = {}): Promise<string> {
  const socket = tls.connect({ host: '127.0.0.1', port: proxy.port, servername: `${name}.test`, rejectUnauthorized: false, ...options });
  closeLater(() => socket.destroy());
  const secured = await once(socket, 'secureConnect').then(
    () => true,
    () => false,
  );
  return secured ? `${socket.getProtocol()} ${String(socket.alpnProtocol)}` : 'refused';
}

const OLD = { maxVersion: 'TLSv1.2' } as const;

test('applies to all listeners of the Gateway, until it is deleted', async () => {
  const gateway = policy({ tls: { minVersion: '1.3', alpn: ['http/1.1'] } });
  const proxy = await open([gateway], https('a'), https('b'));
  expect(await agreed(proxy, 'a', OLD)).toBe('refused');
  expect(await agreed(proxy, 'b', OLD)).toBe('refused');
  expect(await agreed(proxy, 'a', { ALPNProtocols: ['h2', 'http/1.1'] })).toBe('TLSv1.3 http/1.1');
  await proxy.worker.apply([], [{ kind: 'Policy', key: gateway.key }]);
  expect(await agreed(proxy, 'a', OLD)).toBe('TLSv1.2 false');
});

test('a policy of the listener wins over that of its Gateway, and options of the listener over both', async () => {
  const policies = [policy({ tls: { minVersion: '1.3' } }), policy({ tls: { minVersion: '1.2' } }, 'a')];
  const proxy = await open(policies, https('a'), https('b', { minVersion: '1.2' }));
  expect(await agreed(proxy, 'a', OLD)).toBe('TLSv1.2 false');
  expect(await agreed(proxy, 'b', OLD)).toBe('TLSv1.2 false');
});

test('conflicting versions resolve to the safer one', async () => {
  const proxy = await open([policy({ tls: { maxVersion: '1.2' } })], https('a', { minVersion: '1.3' }));
  expect(await agreed(proxy, 'a')).toBe('TLSv1.3 false');
  expect(await agreed(proxy, 'a', OLD)).toBe('refused');
});
