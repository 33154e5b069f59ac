// Redis: its address, and clients of one server, a Cluster, or the master that Sentinels name; with TLS and a user if wanted.
import { Cluster, Redis } from 'ioredis';
import type { RedisOptions } from 'ioredis';
import { err, ok } from './result.ts';
import type { Result } from './result.ts';

/** A client with its connections, as its users need it. */
export type RedisClient = Redis | Cluster;

export interface RedisAddress {
  readonly kind: 'server' | 'cluster' | 'sentinel';
  readonly tls: boolean;
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  readonly user: string;
  /** The number of the database; 0 for a Cluster. */
  readonly database: number;
  /** The name of the master for Sentinels; '' otherwise. */
  readonly master: string;
}

export interface RedisSettings {
  readonly address: RedisAddress;
  /** The file with the user; '' for the user of the address. */
  readonly userFile: string;
  /** '' for no password. */
  readonly passwordFile: string;
  /** PEM files; '' for none: the authorities of the machine, and no client certificate. */
  readonly caFile: string;
  readonly certificateFile: string;
  readonly keyFile: string;
  /** A command without an answer fails after this time, milliseconds. */
  readonly timeoutMs: number;
}

/** The contents of the files of the settings, '' without a file: user and password in one line, the others in PEM. */
export interface RedisSecrets {
  readonly user: string;
  readonly password: string;
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

/** A breaker (opossum) for commands: half of those of the last seconds have failed. */
export const REDIS_BREAKER = {
  timeout: false,
  errorThresholdPercentage: 50,
  volumeThreshold: 5,
  rollingCountTimeout: 2_000,
  rollingCountBuckets: 4,
  resetTimeout: 1_000,
} as const;

const FORMS =
  'redis://[USER@]HOST[:PORT][/DATABASE], redis+cluster://HOST[:PORT],HOST[:PORT] or redis+sentinel://HOST[:PORT],.../MASTER; with rediss instead of redis for TLS';
const FORM = /^(redis|rediss)(?:\+(cluster|sentinel))?:\/\/(?:([^:@/]*)(?::([^@/]*))?@)?([^/@]+)(?:\/(.*))?$/;
const PORTS = { server: 6379, cluster: 6379, sentinel: 26_379 } as const;
const KINDS = ['cluster', 'sentinel'] as const;
const LONGEST_RETRY_MS = 1_000;

/** Reads an address. An error has no password in it. */
export function parseRedisUrl(url: string): Result<RedisAddress> {
  const read = FORM.exec(url);
  if (read === null) return err(`not an address of Redis: write ${FORMS}`);
  const [scheme, form, user, password, hosts, rest] = partsOf(read);
  if (password !== '') return err('the URL has a password, which others can see; write the password to a file for --redis-password-file');
  const kind = KINDS.find((each) => each === form) ?? 'server';
  const nodes = hosts.split(',').map((host) => nodeOf(host, PORTS[kind]));
  const problem = obstacleOf(kind, nodes, rest);
  if (problem !== null) return err(problem);
  return ok({
    ...{ kind, tls: scheme === 'rediss', nodes: nodes.filter((node) => node !== null) },
    user: decodeURIComponent(user),
    ...{ database: kind === 'server' ? Number(rest) : 0, master: kind === 'sentinel' ? rest : '' },
  });
}

/** A part that the address lacks is ''. */
function partsOf([, ...parts]: RegExpExecArray): readonly [string, string, string, string, string, string] {
  const [scheme = '', form = '', user = '', password = '', hosts = '', rest = ''] = parts;
  return [scheme, form, user, password, hosts, rest];
}

/** `rest`: what follows the hosts. */
function obstacleOf(kind: RedisAddress['kind'], nodes: readonly unknown[], rest: string): string | null {
  if (nodes.includes(null) || (kind === 'server' && nodes.length > 1)) return `the hosts are not valid: write ${FORMS}`;
  if (kind === 'sentinel') return rest === '' ? 'Sentinels need the name of the master after the hosts: /MASTER' : null;
  return /^\d{0,3}$/.test(rest) ? null : `the database is not a number: write ${FORMS}`;
}

function nodeOf(text: string, port: number): RedisAddress['nodes'][number] | null {
  const [, host = '', ownPort] = /^(\[[0-9A-Fa-f:.]+\]|[^:[\]]+)(?::(\d{1,5}))?$/.exec(text) ?? [];
  return host === '' ? null : { host: host.replace(/^\[|\]$/g, ''), port: ownPort === undefined ? port : Number(ownPort) };
}

/**
 * Connects, and again after each failure. While there is no connection commands fail at once, and a command is never sent twice: the
 * caller must know whether it was counted. `failed` gets each failure of a connection.
 */
export function connectRedis(settings: RedisSettings, secrets: RedisSecrets, failed: (error: Error) => void): RedisClient {
  const { address } = settings;
  const client = address.kind === 'cluster' ? clusterOf(settings, secrets) : new Redis(singleOptions(settings, secrets));
  client.on('error', failed);
  return client;
}

/** Another client for the server of a client, for a lane: it connects at once, and again after each failure. */
export function laneClient(client: Redis): Redis {
  return client.duplicate({ lazyConnect: false, enableOfflineQueue: false, retryStrategy: retryAfter });
}

/** `replyMapping` changes the types of all replies. */
type Options = Omit<RedisOptions, 'replyMapping'>;

function retryAfter(times: number): number {
  return Math.min(LONGEST_RETRY_MS, 50 * 2 ** Math.min(times, 10));
}

function commonOptions({ address, timeoutMs }: RedisSettings, { user, password, ca, certificate, key }: RedisSecrets): Options {
  const username = user || address.user;
  const pem = Object.fromEntries(Object.entries({ ca, cert: certificate, key }).filter(([, text]) => text !== ''));
  return {
    ...(username === '' ? {} : { username }),
    ...(password === '' ? {} : { password }),
    ...(address.tls ? { tls: pem } : {}),
    commandTimeout: timeoutMs,
    connectTimeout: Math.max(1_000, timeoutMs),
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    retryStrategy: retryAfter,
  };
}

function singleOptions(settings: RedisSettings, secrets: RedisSecrets): Options {
  const { kind, nodes, database, master, tls } = settings.address;
  const common = commonOptions(settings, secrets);
  if (kind === 'server') return { ...common, ...nodes[0], db: database };
  const { tls: files } = common;
  const sentinelTls = tls && files !== undefined ? { sentinelTLS: files, enableTLSForSentinelMode: true } : {};
  return { ...common, ...sentinelTls, sentinels: [...nodes], name: master, sentinelRetryStrategy: retryAfter };
}

function clusterOf(settings: RedisSettings, secrets: RedisSecrets): Cluster {
  const options = {
    redisOptions: commonOptions(settings, secrets),
    enableOfflineQueue: false,
    clusterRetryStrategy: retryAfter,
    // A command is sent once, and takes no longer than its timeout.
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    // The names of nodes are not looked up here: a certificate is for the name.
    dnsLookup: (address: string, callback: (error: Error | null, address: string) => void) => callback(null, address),
  };
  const cluster = new Cluster([...settings.address.nodes], options);
  // Otherwise the first commands for a node, which connects then, would fail.
  const connect = (node: Redis): void => {
    if (cluster.status === 'ready' && node.status === 'wait') node.connect().catch(() => undefined);
  };
  cluster.on('+node', connect);
  cluster.on('ready', () => cluster.nodes().forEach(connect));
  return cluster;
}
