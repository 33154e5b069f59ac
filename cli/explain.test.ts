// `weir explain` for every protocol of a listener, and for addresses that lead nowhere.
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { certified } from '../test/support/certified.ts';
import { Child, runWeir } from '../test/support/child.ts';
import type { Finished } from '../test/support/child.ts';
import { freePorts } from '../test/support/free-port.ts';
import { UsageError } from './command.ts';
import { explain as command } from './explain.ts';

const GATEWAY_API = 'gateway.networking.k8s.io/v1';
const web = certified('DNS:web.test');
let folder = '';

function object(apiVersion: string, kind: string, name: string, spec: object, created = ''): object {
  return { apiVersion, kind, metadata: { name, ...(created === '' ? {} : { creationTimestamp: created }) }, spec };
}

function route(kind: string, name: string, listener: string, spec: object = {}, created = ''): object {
  const backendRefs = [{ group: 'gateway.weir.dev', kind: 'Backend', name: `to-${name}` }];
  return object(
    GATEWAY_API,
    kind,
    name,
    { parentRefs: [{ name: 'gw', sectionName: listener }], rules: [{ backendRefs }], ...spec },
    created,
  );
}

const LISTENERS = [
  { name: 'http', protocol: 'HTTP', port: 8080 },
  { name: 'web', protocol: 'HTTPS', port: 8443, hostname: 'web.test', tls: { certificateRefs: [{ name: 'web' }] } },
  { name: 'pass', protocol: 'TLS', port: 8443, hostname: '*.pass.test', tls: { mode: 'Passthrough' } },
  { name: 'db', protocol: 'TCP', port: 5432 },
  { name: 'dns', protocol: 'UDP', port: 5353 },
  { name: 'both-tcp', protocol: 'TCP', port: 53 },
  { name: 'both-udp', protocol: 'UDP', port: 53 },
  { name: 'idle', protocol: 'TCP', port: 6000 },
];

/** A rule with its own timeouts, retries and sessions. */
const KEPT = {
  hostnames: ['kept.test'],
  rules: [
    {
      backendRefs: [{ group: 'gateway.weir.dev', kind: 'Backend', name: 'to-all' }],
      timeouts: { request: '3s' },
      retry: { attempts: 2, codes: [503], backoff: '40ms' },
      sessionPersistence: { sessionName: 'basket', idleTimeout: '1h' },
    },
  ],
};

const GUARDED = { hostnames: ['guarded.test'], rules: [{ backendRefs: KEPT.rules[0]?.backendRefs }] };
const CHAINED = {
  hostnames: ['chained.test'],
  rules: [
    {
      filters: [{ type: 'RequestHeaderModifier', requestHeaderModifier: { remove: ['x-a'] } }],
      backendRefs: [
        {
          ...KEPT.rules[0]?.backendRefs[0],
          filters: [{ type: 'ResponseHeaderModifier', responseHeaderModifier: { remove: ['x-b'] } }],
        },
      ],
    },
  ],
};
const PROCESSOR = { processor: { backendRef: { group: 'gateway.weir.dev', kind: 'Backend', name: 'to-all' } } };

const ACCESS = {
  headersToBackend: [{ name: 'x-caller', value: 'principal.id' }],
  authorization: {
    rules: [
      { name: 'outside', action: 'Deny', principal: { clientCIDRs: ['192.0.2.0/24'] } },
      { name: 'claimed', action: 'Deny', principal: { headers: [{ name: 'x-caller' }] } },
      { name: 'senior', action: 'Allow', operation: { methods: ['DELETE'] }, when: 'principal.claims.level > 3' },
      { name: 'staff', action: 'Allow', principal: { groups: ['staff'] } },
    ],
  },
};

beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-explain-'));
  const { certificate, privateKey } = web.secret;
  const FIXED = { endpoints: [{ ip: '127.0.0.1', port: 1 }] };
  const OF_DNS = { dns: { name: 'db.test', port: 5432 } };
  const names = ['all', 'web', 'pass', 'exact', 'young', 'old', 'dns', 'both-tcp', 'both-udp'];
  const items = [
    object(GATEWAY_API, 'GatewayClass', 'weir', { controllerName: 'gateway.weir.dev/controller' }),
    object(GATEWAY_API, 'Gateway', 'gw', { gatewayClassName: 'weir', listeners: LISTENERS }),
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'web' },
      type: 'kubernetes.io/tls',
      stringData: { 'tls.crt': certificate, 'tls.key': privateKey },
    },
    ...names.map((name) => object('gateway.weir.dev/v1alpha1', 'Backend', `to-${name}`, name === 'old' ? OF_DNS : FIXED)),
    route('HTTPRoute', 'all', 'http'),
    route('HTTPRoute', 'web', 'web'),
    route('HTTPRoute', 'kept', 'http', KEPT),
    route('HTTPRoute', 'guarded', 'http', GUARDED),
    route('HTTPRoute', 'chained', 'http', CHAINED),
    object('gateway.weir.dev/v1alpha1', 'ExtensionPolicy', 'own', {
      targetRefs: [{ kind: 'HTTPRoute', name: 'chained' }],
      position: { after: 'RequestHeaderModifier' },
      ...PROCESSOR,
    }),
    object('gateway.weir.dev/v1alpha1', 'SecurityPolicy', 'limits', {
      targetRefs: [{ kind: 'HTTPRoute', name: 'chained' }],
      requestLimits: { bodyBytes: '1Ki' },
      ipAccess: { allow: ['10.0.0.0/8'] },
    }),
    {
      ...{ apiVersion: 'gateway.weir.dev/v1alpha1', kind: 'SecurityPolicy', metadata: { name: 'guarded' } },
      spec: { targetRefs: [{ kind: 'HTTPRoute', name: 'guarded' }], ...ACCESS },
    },
    {
      ...{ apiVersion: 'gateway.weir.dev/v1alpha1', kind: 'BackendTrafficPolicy', metadata: { name: 'kept' } },
      spec: {
        targetRefs: [{ group: 'gateway.weir.dev', kind: 'Backend', name: 'to-all' }],
        loadBalancer: { type: 'Random', sessionPersistence: { type: 'Header', sessionName: 'x-other' } },
        retry: { attempts: 5, maxBackoff: '1s' },
        timeouts: { request: '9s', backendRequest: '2s' },
      },
    },
    route('TLSRoute', 'pass', 'pass', { hostnames: ['*.pass.test'] }),
    route('TLSRoute', 'exact', 'pass', { hostnames: ['a.pass.test'] }),
    route('TCPRoute', 'young', 'db', {}, '2026-02-01T00:00:00Z'),
    route('TCPRoute', 'old', 'db', {}, '2026-01-01T00:00:00Z'),
    route('UDPRoute', 'dns', 'dns'),
    route('TCPRoute', 'both-tcp', 'both-tcp'),
    route('UDPRoute', 'both-udp', 'both-udp'),
  ];
  writeFileSync(path.join(folder, 'all.json'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the command in this process, which is faster than a new process. */
async function explain(...args: string[]): Promise<Finished> {
  const printed = jest.spyOn(console, 'log').mockImplementation(() => undefined);
  try {
    const code = await command.run([...args, '--config', folder], () => Promise.resolve([]));
    return { code, stdout: printed.mock.calls.map(([line]) => `${String(line)}\n`).join(''), stderr: '' };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return { code: 2, stdout: '', stderr: `weir: ${error.message}\n` };
  } finally {
    printed.mockRestore();
  }
}

test('the chain of filters of a rule has its order, and where each part comes from', async () => {
  const { stdout } = await explain('http://chained.test:8080/');
  expect(stdout).toContain(
    `chain of filters, in the order of requests
  ipAccess: SecurityPolicy/default/limits
  requestLimits: SecurityPolicy/default/limits
  RequestHeaderModifier: the rule itself
  processor: ExtensionPolicy/default/own, placed by ExtensionPolicy/default/own
  ResponseHeaderModifier: the rule, for Backend/default/to-all
`,
  );
  const { chain } = JSON.parse((await explain('http://chained.test:8080/', '--format', 'json')).stdout) as { chain: object[] };
  expect(chain[0]).toEqual({ name: 'ipAccess', from: 'policy', sources: ['SecurityPolicy/default/limits'] });
});

describe('a connection', () => {
  test('of TCP goes to the older of two routes, and names the source of its endpoints', async () => {
    const { code, stdout, stderr } = await explain('tcp://127.0.0.1:5432');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toBe(
      `TCP connection to port 5432
listener  default/gw/db: has port 5432 of TCP
winner    TCPRoute default/old, rule 0
backends  Backend/default/to-old weight 1
tried, in this order
  won   TCPRoute/default/old/0 on listener default/gw/db
  lost  TCPRoute/default/young/0 on listener default/gw/db
        TCPRoute/default/old/0 is older
source    Backend/default/to-old: dns db.test (Any)
`,
    );
  });

  test('of TLS goes by the server name', async () => {
    const { code, stdout } = await explain('tls://a.pass.test:8443');
    expect(code).toBe(0);
    expect(stdout).toBe(
      `TLS connection to port 8443, server name "a.pass.test"
listener  default/gw/pass: "*.pass.test" covers "a.pass.test", and no other listener host name does so closer
winner    TLSRoute default/exact, rule 0
backends  Backend/default/to-exact weight 1
tried, in this order
  won   TLSRoute/default/exact/0 on listener default/gw/pass, server name a.pass.test
  lost  TLSRoute/default/pass/0 on listener default/gw/pass, server name *.pass.test
        server name "a.pass.test" is more specific than "*.pass.test"
`,
    );
    expect((await explain('tls://b.pass.test:8443')).stdout).toContain('winner    TLSRoute default/pass, rule 0\n');
  });

  test('of UDP', async () => {
    const { code, stdout } = await explain('udp://127.0.0.1:5353');
    expect(code).toBe(0);
    expect(stdout).toContain(
      'UDP datagrams to port 5353\nlistener  default/gw/dns: has port 5353 of UDP\nwinner    UDPRoute default/dns, rule 0\n',
    );
  });

  test('without a route is closed, and the command ends with 1', async () => {
    const { code, stdout } = await explain('tcp://127.0.0.1:6000');
    expect(code).toBe(1);
    expect(stdout).toBe(
      'TCP connection to port 6000\nlistener  default/gw/idle: has port 6000 of TCP\nwinner    none: the connection is closed\n',
    );
  });

  test('from the configuration of a running proxy', async () => {
    const [dbPort = 0, probes = 0, admin = 0] = await freePorts(3);
    const served = mkdtempSync(path.join(os.tmpdir(), 'weir-explain-served-'));
    const listeners = [{ name: 'db', protocol: 'TCP', port: dbPort }];
    const items = [
      object(GATEWAY_API, 'GatewayClass', 'weir', { controllerName: 'gateway.weir.dev/controller' }),
      object(GATEWAY_API, 'Gateway', 'gw', { gatewayClassName: 'weir', listeners }),
      object('gateway.weir.dev/v1alpha1', 'Backend', 'to-db', { registered: {} }),
      route('TCPRoute', 'db', 'db'),
    ];
    writeFileSync(path.join(served, 'all.json'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
    const weir = new Child(['up', served, '--probe-port', String(probes), '--admin-port', String(admin)]);
    try {
      await weir.printed(/serving; stop/);
      const { code, stdout } = await runWeir(['explain', `127.0.0.1:${dbPort}`, '--proxy', `127.0.0.1:${admin}`]);
      expect(stdout).toContain('winner    TCPRoute default/db, rule 0\nbackends  Backend/default/to-db weight 1\n');
      expect(stdout).toContain('source    Backend/default/to-db: registered\n');
      expect(code).toBe(0);
    } finally {
      await weir.stop('SIGKILL');
      rmSync(served, { recursive: true, force: true });
    }
  });

  test('as JSON', async () => {
    const { stdout } = await explain('tcp://127.0.0.1:5432', '--format', 'json');
    expect(JSON.parse(stdout)).toMatchObject({
      request: { protocol: 'TCP', port: 5432, serverName: '' },
      listener: { listeners: ['default/gw/db'] },
      winner: { listener: 'default/gw/db', route: { key: 'TCPRoute/default/old/0' } },
      sources: [{ backend: 'Backend/default/to-old', source: 'dns db.test (Any)' }],
      considered: [{ loss: null }, { routeKey: 'TCPRoute/default/young/0', loss: 'TCPRoute/default/old/0 is older' }],
      settings: [{ policyKind: 'ClientTrafficPolicy' }, { policyKind: 'BackendTrafficPolicy' }],
    });
  });
});

describe('a request', () => {
  test('has the settings of its rule beside those of policies, each with its origin', async () => {
    const { code, stdout } = await explain('http://kept.test:8080/');
    expect(code).toBe(0);
    expect(stdout.slice(stdout.indexOf('settings of'))).toBe(
      `settings of backend Backend/default/to-all
  loadBalancer.type "Random": BackendTrafficPolicy/default/kept, Backend/default/to-all
  loadBalancer.sessionPersistence.type "Cookie": HTTPRoute/default/kept/0, the rule itself
  loadBalancer.sessionPersistence.sessionName "basket": HTTPRoute/default/kept/0, the rule itself
  loadBalancer.sessionPersistence.idleTimeout 1h: HTTPRoute/default/kept/0, the rule itself
  timeouts.request 3s: HTTPRoute/default/kept/0, the rule itself
  timeouts.backendRequest 2s: BackendTrafficPolicy/default/kept, Backend/default/to-all
  retry.attempts 2: HTTPRoute/default/kept/0, the rule itself
  retry.codes [503]: HTTPRoute/default/kept/0, the rule itself
  retry.backoff 40ms: HTTPRoute/default/kept/0, the rule itself
  retry.maxBackoff 1s: BackendTrafficPolicy/default/kept, Backend/default/to-all
`,
    );
  });
});

describe('HOST:PORT takes the protocol of the listener', () => {
  test.each([
    ['shop.test:8080', 'GET shop.test/\n', 'HTTPRoute default/all'],
    ['shop.test:8080/a?b=c', 'GET shop.test/a?b=c\n', 'HTTPRoute default/all'],
    ['[::1]:8080', 'GET [::1]/\n', 'HTTPRoute default/all'],
    ['web.test:8443', 'GET web.test/\n', 'HTTPRoute default/web'],
    ['a.pass.test:8443', 'TLS connection to port 8443, server name "a.pass.test"\n', 'TLSRoute default/exact'],
    ['127.0.0.1:5432', 'TCP connection to port 5432\n', 'TCPRoute default/old'],
    ['localhost:5353', 'UDP datagrams to port 5353\n', 'UDPRoute default/dns'],
    ['localhost:53', 'TCP connection to port 53\n', 'TCPRoute default/both-tcp'],
    ['udp://localhost:53', 'UDP datagrams to port 53\n', 'UDPRoute default/both-udp'],
    ['https://a.pass.test:8443/any', 'TLS connection to port 8443, server name "a.pass.test"\n', 'TLSRoute default/exact'],
    ['http://127.0.0.1:5432/any', 'TCP connection to port 5432\n', 'TCPRoute default/old'],
    ['ws://shop.test:8080/chat', 'GET shop.test/chat\n', 'HTTPRoute default/all'],
  ])('%s', async (address, first, winner) => {
    const { code, stdout } = await explain(address);
    expect(stdout.slice(0, first.length)).toBe(first);
    expect(stdout).toContain(`winner    ${winner}, rule 0`);
    expect(code).toBe(0);
  });
});

describe('an address without a listener is explained, and the command ends with 1', () => {
  test.each([
    [
      'shop.test:81',
      'no listener has port 81; the ports are: 8080 (HTTP), 8443 (HTTPS), 8443 (TLS), 5432 (TCP), 5353 (UDP), 53 (TCP), 53 (UDP), 6000 (TCP)\n',
    ],
    ['udp://shop.test:8080', 'no UDP listener has port 8080; the ports are: '],
    ['http://web.test:8443', 'the listeners of port 8443 speak TLS, not http: the connection ends; use https or tls\n'],
    ['https://shop.test:8080', 'the listeners of port 8080 speak HTTP, not https: the connection ends; use http\n'],
    ['tcp://shop.test:8080', 'the listeners of port 8080 speak HTTP, not tcp: the connection ends; use http\n'],
    ['tls://web.test:8443', 'the listeners of port 8443 speak HTTPS, not tls: the connection ends; use https\n'],
    [
      'tls://other.test:8443',
      'TLS connection to port 8443, server name "other.test"\nlistener  none: no listener has a host name that covers "other.test"\n',
    ],
    [
      'tls://127.0.0.1:8443',
      'TLS connection to port 8443, server name ""\nlistener  none: no listener has a host name that covers a handshake without a server name\n',
    ],
  ])('%s', async (address, reason) => {
    const { code, stdout, stderr } = await explain(address);
    expect(stdout.slice(0, reason.length)).toBe(reason);
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
  });
});

describe('an invalid address is a mistake', () => {
  test.each([
    ['shop.test', '"shop.test" names no port: write shop.test:PORT, or http://shop.test/ for port 80\n'],
    ['shop.test/path', '"shop.test/path" names no port: write shop.test:PORT, or http://shop.test/ for port 80\n'],
    ['tcp://shop.test', '"tcp://shop.test" names no port: write tcp://shop.test:PORT\n'],
    ['ftp://shop.test', '"ftp://shop.test": no listener speaks ftp; use one of: http, https, tcp, tls, udp, ws, wss\n'],
    ['shop.test:99999', '"shop.test:99999" is neither a URL (http://HOST:PORT/PATH, https, tcp, tls, udp) nor HOST:PORT\n'],
    ['shop.test:http', '"shop.test:http" is neither a URL'],
    ['http://', '"http://" is neither a URL'],
    [':8080', '":8080" is neither a URL'],
    ['', '"" is neither a URL'],
    ['tcp://shop.test:5432/path', '"tcp://shop.test:5432/path": a tcp address has no path\n'],
  ])('%j', async (address, message) => {
    const { code, stdout, stderr } = await explain(address);
    expect(stderr.slice(0, message.length + 6)).toBe(`weir: ${message}`);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });
});

describe('the authorization of a request', () => {
  const url = 'http://guarded.test:8080/orders';

  test('is shown with the rule that decides, and the condition by which others do not match', async () => {
    const { code, stdout } = await explain(url, '--principal', 'alice', '--group', 'staff', '--claim', 'level=3');
    expect(code).toBe(0);
    expect(stdout).toContain(`access    allowed: rule staff of SecurityPolicy/default/guarded
  Deny  outside: no, by principal.clientCIDRs
  Deny  claimed: no, by principal.headers x-caller
  Allow senior: no, by operation.methods
  Allow staff: matches
`);
  });

  test('refuses as the proxy does, and ends with 1', async () => {
    const nobody = await explain(url);
    expect([nobody.code, nobody.stdout]).toEqual([
      1,
      expect.stringContaining('access    refused: no rule of SecurityPolicy/default/guarded matches, by its default\n'),
    ]);
    const outside = await explain(url, '--from', '192.0.2.7', '--group', 'staff');
    expect([outside.code, outside.stdout]).toEqual([1, expect.stringContaining('access    refused: rule outside of SecurityPolicy')]);
    const senior = await explain(url, '-X', 'DELETE', '--claim', 'level=4', '--format', 'json');
    expect(JSON.parse(senior.stdout)).toMatchObject({
      access: { allowed: true, rule: 'senior', policy: 'SecurityPolicy/default/guarded' },
    });
  });

  test('does not see headers that clients cannot set', async () => {
    const { stdout } = await explain(url, '--group', 'staff', '-H', 'X-Caller: alice');
    expect(stdout).toContain('Deny  claimed: no, by principal.headers x-caller');
  });

  test('needs claims with a name', async () => {
    expect(await explain(url, '--claim', 'level')).toMatchObject({ code: 2, stderr: expect.stringContaining('expected NAME=VALUE') });
  });
});
